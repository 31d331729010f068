"""Word lists of detection, in the forms of `words.word_form`; chosen on the NCBI-disease training set."""

_ORDINARY = """
    abnormality aim albumin all affect air anomaly area arm as at bad be behavior best birth bite black block blood bone
    both brain can cap car carcinogenesis cat cell change chest child class cold cord cut dam damage deficiency defect
    deformity death development diagnosis disability disease disorder dose dream ear eye face fall family fat feature
    fetus fire fish fit fly food foot for form fracture gas gap gene go growth hair hand he head hearing heart heat here
    high hip his host how ice if ill illness image in included inclusion injury is it joint kit large lead leg lesion
    less life light limb lip liver loss low lung male man map mark mass may me mean mind mole mouth mutation nail neck
    no nose not of old on or other out pain pal part patient people period phenotype plan poor pop pregnancy pressure
    progression rat recurrence rest retain run sad seal set shock short sign skin small so soft spot star stem step
    strain stress sun susceptibility swelling symptom syndrome tag the thin tip to tongue tooth top trait translocation
    trisomy tumorigenesis type was we weight who will wound
    """
_QUALIFIERS = """
    acute advanced autosomal benign bilateral chronic congenital dominant familial hereditary inherited isolated
    malignant metastatic nonfamilial nonhereditary noninherited nonpapillary nonsyndromic primary recessive
    solid sporadic unilateral linked
    """

ORDINARY_WORDS = frozenset(_ORDINARY.split())
"""Names in a disease dictionary that are other words in most texts, or name no disease by themselves."""

QUALIFIERS = frozenset(_QUALIFIERS.split())
"""Words that belong to a disease when they precede its name."""

GROWTHS = ("cancer", "carcinoma", "neoplasm", "tumor")
"""Words that texts use for one another."""

KINDS = frozenset({"disease", "disorder", "syndrome", "tumor"})
"""Words that belong to a name when they follow it: "VHL disease"."""

GENERIC = tuple(
    f"{origin} {kind}"
    for origin in ("autosomal", "dominant", "genetic", "hereditary", "inherited", "linked", "recessive")
    for kind in ("abnormality", "defect", "disease", "disorder", "syndrome")
)
"""Mentions in texts about diseases, although no name of a dictionary: "autosomal recessive disorder"."""
