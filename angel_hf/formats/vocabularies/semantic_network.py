"""The semantic types of UMLS and their groups.

The 133 types in 15 groups are those of NLM's `SemGroups.txt` (https://www.nlm.nih.gov/research/umls/knowledge_sources/
semantic_network/), a public part of the UMLS Semantic Network. Since 2014 six of them are no longer in use (T110, T111,
T115, T118, T119, T124): the releases of today have 127.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# The group's abbreviation and name, then its types.
_TABLE = """
ACTI Activities & Behaviors
  T051 Event|T052 Activity|T053 Behavior|T054 Social Behavior|T055 Individual Behavior
  T056 Daily or Recreational Activity|T057 Occupational Activity|T064 Governmental or Regulatory Activity
  T066 Machine Activity
ANAT Anatomy
  T017 Anatomical Structure|T018 Embryonic Structure|T021 Fully Formed Anatomical Structure|T022 Body System
  T023 Body Part, Organ, or Organ Component|T024 Tissue|T025 Cell|T026 Cell Component|T029 Body Location or Region
  T030 Body Space or Junction|T031 Body Substance
CHEM Chemicals & Drugs
  T103 Chemical|T104 Chemical Viewed Structurally|T109 Organic Chemical|T110 Steroid|T111 Eicosanoid
  T114 Nucleic Acid, Nucleoside, or Nucleotide|T115 Organophosphorus Compound|T116 Amino Acid, Peptide, or Protein
  T118 Carbohydrate|T119 Lipid|T120 Chemical Viewed Functionally|T121 Pharmacologic Substance
  T122 Biomedical or Dental Material|T123 Biologically Active Substance|T124 Neuroreactive Substance or Biogenic Amine
  T125 Hormone|T126 Enzyme|T127 Vitamin|T129 Immunologic Factor|T130 Indicator, Reagent, or Diagnostic Aid
  T131 Hazardous or Poisonous Substance|T192 Receptor|T195 Antibiotic|T196 Element, Ion, or Isotope
  T197 Inorganic Chemical|T200 Clinical Drug
CONC Concepts & Ideas
  T077 Conceptual Entity|T078 Idea or Concept|T079 Temporal Concept|T080 Qualitative Concept
  T081 Quantitative Concept|T082 Spatial Concept|T089 Regulation or Law|T102 Group Attribute
  T169 Functional Concept|T170 Intellectual Product|T171 Language|T185 Classification
DEVI Devices
  T074 Medical Device|T075 Research Device|T203 Drug Delivery Device
DISO Disorders
  T019 Congenital Abnormality|T020 Acquired Abnormality|T033 Finding|T037 Injury or Poisoning
  T046 Pathologic Function|T047 Disease or Syndrome|T048 Mental or Behavioral Dysfunction
  T049 Cell or Molecular Dysfunction|T050 Experimental Model of Disease|T184 Sign or Symptom
  T190 Anatomical Abnormality|T191 Neoplastic Process
GENE Genes & Molecular Sequences
  T028 Gene or Genome|T085 Molecular Sequence|T086 Nucleotide Sequence|T087 Amino Acid Sequence
  T088 Carbohydrate Sequence
GEOG Geographic Areas
  T083 Geographic Area
LIVB Living Beings
  T001 Organism|T002 Plant|T004 Fungus|T005 Virus|T007 Bacterium|T008 Animal|T010 Vertebrate|T011 Amphibian
  T012 Bird|T013 Fish|T014 Reptile|T015 Mammal|T016 Human|T096 Group|T097 Professional or Occupational Group
  T098 Population Group|T099 Family Group|T100 Age Group|T101 Patient or Disabled Group|T194 Archaeon|T204 Eukaryote
OBJC Objects
  T071 Entity|T072 Physical Object|T073 Manufactured Object|T167 Substance|T168 Food
OCCU Occupations
  T090 Occupation or Discipline|T091 Biomedical Occupation or Discipline
ORGA Organizations
  T092 Organization|T093 Health Care Related Organization|T094 Professional Society
  T095 Self-help or Relief Organization
PHEN Phenomena
  T034 Laboratory or Test Result|T038 Biologic Function|T067 Phenomenon or Process
  T068 Human-caused Phenomenon or Process|T069 Environmental Effect of Humans
  T070 Natural Phenomenon or Process
PHYS Physiology
  T032 Organism Attribute|T039 Physiologic Function|T040 Organism Function|T041 Mental Process
  T042 Organ or Tissue Function|T043 Cell Function|T044 Molecular Function|T045 Genetic Function
  T201 Clinical Attribute
PROC Procedures
  T058 Health Care Activity|T059 Laboratory Procedure|T060 Diagnostic Procedure
  T061 Therapeutic or Preventive Procedure|T062 Research Activity|T063 Molecular Biology Research Technique
  T065 Educational Activity
"""


def _read_table() -> tuple[dict[str, str], dict[str, str], dict[str, frozenset[str]]]:
    names_of_groups: dict[str, str] = {}
    names_of_types: dict[str, str] = {}
    types_of_groups: dict[str, frozenset[str]] = {}
    group = ""
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            group, _, names_of_groups[group] = line.partition(" ")
            types_of_groups[group] = frozenset()
            continue
        types = {tui: name for tui, _, name in (entry.partition(" ") for entry in line.strip().split("|"))}
        names_of_types |= types
        types_of_groups[group] |= types.keys()
    return names_of_groups, names_of_types, types_of_groups


GROUPS, TYPES, TYPES_OF_GROUP = _read_table()
"""Names of groups by abbreviation; names of types by TUI; the TUIs of each group."""


def selected_types(types: Iterable[str], groups: Iterable[str]) -> frozenset[str]:
    """The TUIs that are meant: types by TUI or name, groups by abbreviation or name, in whatever letter case.

    Raises:
        ValueError: one is unknown; the error names all groups, or the nearest types.
    """
    chosen: set[str] = set()
    by_group = {key.casefold(): group for group, name in GROUPS.items() for key in (group, name)}
    for wanted in groups:
        if wanted.casefold() not in by_group:
            known = ", ".join(f"{group} ({name})" for group, name in GROUPS.items())
            raise ValueError(f"unknown semantic group {wanted!r}; expected one of {known}")
        chosen |= TYPES_OF_GROUP[by_group[wanted.casefold()]]
    by_type = {key.casefold(): tui for tui, name in TYPES.items() for key in (tui, name)}
    for wanted in types:
        if wanted.casefold() not in by_type:
            near = difflib.get_close_matches(wanted.casefold(), by_type, 3) or ["t047", "disease or syndrome"]
            raise ValueError(
                f"unknown semantic type {wanted!r}; expected a TUI or its name, such as "
                + ", ".join(f"{by_type[one]} ({TYPES[by_type[one]]})" for one in near)
            )
        chosen.add(by_type[wanted.casefold()])
    return frozenset(chosen)
