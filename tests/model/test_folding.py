"""A model that reads text folded: any spelling has the ids of the one in ASCII, and these are as they were."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import AngelForEntityLinking, AngelProcessor, KnowledgeBase, Mention
from angel_hf.annotation import DictionaryDetector
from angel_hf.model import modeling_angel as portable
from angel_hf.model.tokenized_names import TokenizedNames
from angel_hf.search import BeamSearch
from angel_hf.search.verbatim import VerbatimFirst
from tests.toy import byte_tokenizer, mention, random_model

TOKENIZER = byte_tokenizer()
PLAIN, FOLDING = (
    AngelProcessor(TOKENIZER, max_source_length=40),
    AngelProcessor(TOKENIZER, max_source_length=40, folding=True),
)
NAMES = {"D1": ["Ménière Disease", "ataxia"], "D2": ["Meniere disease"], "D3": ["β-fever", "fever"], "D4": ["Q"]}


def folding_model():
    model = random_model(TOKENIZER)
    model.set_processor(AngelProcessor(TOKENIZER, max_source_length=64, folding=True))
    return model


@pytest.mark.parametrize(
    ("marked", "in_ascii"),
    [
        ("the [β-fever] of α", "the [beta-fever] of alpha"),
        ("naïve [Me\u0301nie\u0300re’s] – “old”", 'naive [Meniere\'s] - "old"'),
        ("the\u00a0gene\u200b [ﬁts]\u00ad old", "the gene [fits] old"),
        ("&lt;old&gt; [&beta;-fever] &amp; q", "<old> [beta-fever] & q"),
        ("TNFα [TNFα1]", "TNF alpha [TNF alpha 1]"),
        (f"old.{' ' * 50}an [a\t q]\n\n\nb", "old. an [a q] b"),
    ],
)
def test_any_spelling_has_the_ids_of_the_one_in_ascii(marked, in_ascii):
    assert FOLDING.encode_mentions([mention(marked)]) == PLAIN.encode_mentions([mention(in_ascii)])
    assert PLAIN.encode_mentions([mention(marked)]) != PLAIN.encode_mentions([mention(in_ascii)])


ascii_text = st.text(st.characters(max_codepoint=126, exclude_characters="&"), max_size=60)


@settings(deadline=None)
@given(ascii_text, st.text(st.sampled_from("aA1-.' "), max_size=15), ascii_text)
def test_ascii_has_the_ids_that_it_had_with_one_space_for_any_white_space(left, surface, right):
    one = Mention(f"{left}x{surface}{right}", len(left), len(left) + 1 + len(surface))
    left, right = (re.sub(r"\s+", " ", side) for side in (left, right))
    spaced = Mention(f"{left}x{surface}{right}", len(left), len(left) + 1 + len(surface))
    assert FOLDING.encode_mentions([one]) == PLAIN.encode_mentions([spaced])
    assert FOLDING.encode_names([surface]) == PLAIN.encode_names([surface])


def test_the_published_form_does_not_fold():
    assert AngelProcessor(TOKENIZER).folding is False
    assert TOKENIZER.decode(PLAIN.encode_mentions([mention("[β–Fever]")])[1][0]) == " β fever is"


def test_a_long_context_is_cut_as_that_of_the_ascii_spelling():
    left, right = "é ü β\u200b " * 60, " ñ\u0303 γ ﬁ" * 60
    folded = Mention(left + "q" + right, len(left), len(left) + 1)
    left, right = "e u beta " * 60, " n gamma fi" * 60
    plain = Mention(left + "q" + right, len(left), len(left) + 1)
    assert FOLDING.encode_mentions([folded]) == PLAIN.encode_mentions([plain])


def test_names_that_fold_alike_share_an_entry_and_keep_their_spelling():
    knowledge_base = KnowledgeBase.from_names(NAMES)
    model = folding_model()
    model.set_knowledge_base(knowledge_base)
    assert model.knowledge_base.num_entries == knowledge_base.num_entries - 1
    assert set(model.knowledge_base.names) == {name for names in NAMES.values() for name in names}
    meniere = next(one for one in model.link(mention("[q]"), 9).candidates if one.name == "Ménière Disease")
    assert meniere.concept_ids == ("D1", "D2")
    in_ascii = random_model(TOKENIZER)
    in_ascii.set_knowledge_base(
        KnowledgeBase.from_names({"D1": ["Meniere disease", "ataxia"], "D3": ["beta fever", "fever"], "D4": ["Q"]})
    )
    assert model.trie.fingerprint == in_ascii.trie.fingerprint


def test_a_knowledge_base_in_ascii_is_the_same_for_both():
    names = KnowledgeBase.from_names({"D1": ["Meniere disease"], "D2": ["beta-fever", "R&D"]})
    built = [
        TokenizedNames.build(names, one, 64) for one in (random_model(TOKENIZER).processor, folding_model().processor)
    ]
    assert built[0].knowledge_base.fingerprint == built[1].knowledge_base.fingerprint == names.fingerprint
    assert built[0].trie.fingerprint == built[1].trie.fingerprint


@pytest.mark.parametrize(
    "marked", ["[Ménière disease]", "[Me\u0301nie\u0300re disease]", "[&beta;-fever]", "[beta fever]"]
)
def test_a_name_is_verbatim_in_any_spelling(marked):
    model = folding_model()
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    best = model.link(mention(marked), 1, VerbatimFirst(BeamSearch(2))).best
    assert best.concept_ids == (("D1", "D2") if "disease" in marked else ("D3",))


def test_the_choice_is_saved_and_read_by_the_portable_model(tmp_path):
    model = folding_model()
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    model.save_pretrained(tmp_path)
    loaded = AngelForEntityLinking.from_pretrained(tmp_path)
    travelling = portable.AngelForEntityLinking.from_pretrained(tmp_path).eval()
    for other in (loaded, travelling):
        assert other.processor.folding is True
        found = other.link(mention("the [β-fever]"), 4)
        expected = model.link(mention("the [beta-fever]"), 4)
        assert [(one.name, one.concept_ids) for one in found.candidates] == [
            (one.name, one.concept_ids) for one in expected.candidates
        ]


def test_names_added_to_a_trie_that_was_made_before_names_were_folded():
    before = random_model(TOKENIZER)
    before.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    model = folding_model()
    model.knowledge_base, model.trie = before.knowledge_base, before.trie
    model.update_knowledge_base(add={"D5": ["γ-old", "gene"]})
    anew = folding_model()
    anew.set_knowledge_base(KnowledgeBase.from_names(NAMES | {"D5": ["γ-old", "gene"]}))
    assert model.trie.fingerprint == anew.trie.fingerprint
    assert model.knowledge_base.fingerprint == anew.knowledge_base.fingerprint


# The model that comes with the package

GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "kappa": "κ"}
_SPELLED = re.compile(rf"\b({'|'.join(GREEK)})(?![a-z])", re.IGNORECASE)


@pytest.fixture(scope="module")
def angel():
    return AngelForEntityLinking.from_pretrained("angel-mini").eval()


@pytest.fixture(scope="module")
def detector(angel):
    return DictionaryDetector.from_knowledge_base(angel.knowledge_base)


def in_text(name):
    text = f"Patients with {name} were seen."
    return Mention(text, 14, 14 + len(name))


@pytest.mark.parametrize("letters", [GREEK, {name: f"&{name};" for name in GREEK}], ids=["letters", "entities"])
def test_greek_letters_are_found_and_linked_as_their_names(angel, detector, letters):
    """Every 12th of the knowledge base's names with Greek letters: the very answers of the spelling in ASCII."""
    names = [name for name in angel.knowledge_base.names if _SPELLED.search(name) and name.isascii()][::12]
    assert len(names) > 30
    plain = list(map(in_text, names))
    greek = [in_text(_SPELLED.sub(lambda found: letters[found[1].lower()], name)) for name in names]
    assert angel.processor.encode_mentions(greek) == angel.processor.encode_mentions(plain)
    found, expected = angel.link(greek, 3), angel.link(plain, 3)
    assert [one.candidates for one in found] == [one.candidates for one in expected]
    is_found = [one in detector.detect([one.text])[0] for one in greek]
    assert is_found == [one in detector.detect([one.text])[0] for one in plain]
    assert sum(is_found) > 0.9 * len(names)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_marks_on_letters_change_no_answer(angel, detector, form):
    names = [unicodedata.normalize(form, name) for name in angel.knowledge_base.names if not name.isascii()][::3]
    plain = [
        in_text("".join(letter for letter in unicodedata.normalize("NFD", name) if not unicodedata.combining(letter)))
        for name in names
    ]
    marked = list(map(in_text, names))
    assert [one.candidates for one in angel.link(marked, 3)] == [one.candidates for one in angel.link(plain, 3)]
    is_found = [one in detector.detect([one.text])[0] for one in marked]
    assert is_found == [one in detector.detect([one.text])[0] for one in plain]
    assert sum(is_found) > 0.85 * len(names)


def test_ascii_has_the_answers_of_a_model_that_does_not_fold(angel):
    """The very scores, over the trie and the knowledge base that the model came with before it read folded text."""
    other = AngelForEntityLinking.from_pretrained("angel-mini").eval()
    assert angel.processor.folding and other.processor.folding
    other.processor.folding = False
    mentions = [in_text(name) for name in angel.knowledge_base.names if name.isascii()][::4000]
    assert [one.candidates for one in angel.link(mentions)] == [one.candidates for one in other.link(mentions)]
    assert angel.knowledge_base.fingerprint.startswith("cd3505b642bf") and angel.trie.fingerprint.startswith(
        "669e4a1f0013"
    )


def test_confidence_is_that_of_the_ascii_spelling(angel):
    plain, greek = angel.link([in_text("beta-thalassemia"), in_text("β-thalassemia")])
    assert angel.confidence.probability(greek) == angel.confidence.probability(plain)


def test_annotations_of_entities_and_marks_have_the_offsets_of_the_text(angel):
    text = "Sj&ouml;gren&#39;s syndrome, β-thalassemia and Me\u0301nie\u0300re disease"
    found = [(one.mention.surface, one.candidates[0].concept_ids[0]) for one in angel.annotate(text)]
    assert found == [
        ("Sj&ouml;gren&#39;s syndrome", "D012859"),
        ("β-thalassemia", "D017086"),
        ("Me\u0301nie\u0300re disease", "D008575"),
    ]
