"""Vocabularies whose names stay out are known by their identifiers."""

import pytest

from hub_cards.licences import MEDDRA, SNOMED_CT, UMLS, find_restricted, is_snomed_id

# Concepts of SNOMED CT that its own documents name.
SNOMED_IDS = ["73211009", "22298006", "38341003", "195967001", "404684003", "138875005"]


@pytest.mark.parametrize("digits", SNOMED_IDS)
def test_the_check_digit_knows_identifiers_of_snomed_ct(digits):
    assert is_snomed_id(digits)


@pytest.mark.parametrize("digits", SNOMED_IDS)
def test_any_other_last_digit_is_wrong(digits):
    assert [is_snomed_id(digits[:-1] + last) for last in "0123456789"].count(True) == 1


@pytest.mark.parametrize("digits", SNOMED_IDS)
def test_two_neighbouring_digits_exchanged_are_noticed(digits):
    for place in range(len(digits) - 3):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert swapped == digits or not is_snomed_id(swapped)


@pytest.mark.parametrize(
    ("concept_ids", "declared", "expected"),
    [
        (["C0004134", "C0000001"], "", UMLS),
        (["UMLS:C0004134", "D001259"], "", UMLS),
        (["C0004134|C0000001"], "", UMLS),
        (SNOMED_IDS, "", SNOMED_CT),
        (["SNOMEDCT:73211009"], "", SNOMED_CT),
        (["MEDDRA:10003591"], "", MEDDRA),
        (["x"], "UMLS 2023AB", UMLS),
        (["x"], "our SNOMED subset", SNOMED_CT),
        (["D001259", "OMIM:208900", "MESH:D001260"], "MEDIC", None),
        (["208900", "300000", "604391", "114480", "157300"], "OMIM", None),
        (["C12345", "C2991"], "NCI Thesaurus", None),
        (["HP:0001251", "MONDO:0000437", "DOID:0050753"], "", None),
        ([], "", None),
    ],
)
def test_a_vocabulary_is_known_by_its_identifiers_or_its_name(concept_ids, declared, expected):
    assert find_restricted(concept_ids, declared) is expected
