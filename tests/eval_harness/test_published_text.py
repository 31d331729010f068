import builtins
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from angel_hf.types import Mention
from eval_harness.benchmarks import NCBI
from eval_harness.corpus import open_corpus
from eval_harness.example import Example
from eval_harness.published_text import TextForm, first_part, publish, write_out
from tests.conftest import FULL

SAMPLE = Path(__file__).parent / "sample"

# Ab3P has no wheels for Python 3.13.
FORMS = {"published": 953} | ({"ab3p": 958} if sys.version_info < (3, 13) else {})
"""The forms of text of the published rows, with how many of the 960 come out the same."""

whole_corpus = pytest.mark.skipif(not (FULL / "data").is_dir(), reason="the whole corpus is not here")


def published(text: str, mention: str, *gold: str, form: TextForm = "published") -> Example:
    start = text.index(mention)
    example = Example(Mention(text, start, start + len(mention)), tuple((one,) for one in gold), "1")
    (found,) = publish([example], form)
    return found


def row(example: Example) -> tuple[str, str, frozenset[str]]:
    return example.mention.text, example.mention.surface, frozenset(example.concept_ids)


def test_only_abbreviations_in_the_mention_are_written_out() -> None:
    found = published("Wilson Disease (WD) is rare; WD-like signs, and &lt; 3.", "WD-like signs", "D1")
    assert found.mention.surface == "wd like signs"  # not a token by itself
    found = published("Wilson Disease (WD) is rare; the WD, &lt; 3.", "the WD", "D1")
    assert found.mention.surface == "the wilson disease"
    assert found.mention.text == "wilson disease (wd) is rare; the wilson disease , < 3."
    assert found.released == "the WD"


def test_abbreviations_are_found_around_slashes_and_before_commas_and_end() -> None:
    known = {"AD": "Alzheimer disease", "PD": "Parkinson disease", "X": "Y", "Y": "X"}
    assert write_out("AD/PD, early", known) == "Alzheimer disease/PD, early"
    assert write_out("AD/PD", known) == "Alzheimer disease/Parkinson disease"
    assert write_out("early AD, late", known) == "early Alzheimer disease, late"
    assert write_out("X", known) in ("X", "Y")


@pytest.mark.parametrize(
    ("mention", "first"),
    [
        ("breast and ovarian cancer", "breast cancer"),
        ("sporadic breast, brain, prostate and kidney cancer", "sporadic breast cancer"),
        ("Saethre-Chotzen, Crouzon, and Pfeiffer syndromes", "Saethre-Chotzen syndromes"),
        ("spinocerebellar ataxias 1 and 2", "spinocerebellar ataxias 1"),
        ("colorectal adenomas and/or carcinoma", "colorectal adenomas"),
        ("retinal and the pineal tumours", "retinal tumours"),
        ("colorectal, or other, cancers", "colorectal, or other, cancers"),
        ("breast cancer", "breast cancer"),
    ],
)
def test_the_first_part_of_an_enumeration_keeps_the_shared_words(mention: str, first: str) -> None:
    assert first_part(mention) == first


def test_composites_become_their_first_part_and_omim_gives_way_to_mesh() -> None:
    found = published("Non-familial breast and ovarian cancers.", "Non-familial breast and ovarian cancers", "D1", "D2")
    assert found.mention.surface == "non familial breast cancers"
    assert found.concept_ids == ("D1", "D2")
    assert published("Tumours.", "Tumours", "D1", "OMIM:2").concept_ids == ("D1",)
    assert published("Tumours.", "Tumours", "OMIM:1", "OMIM:2").concept_ids == ("OMIM:1", "OMIM:2")
    assert published("Tumours.", "Tumours", "D1").mention.surface == "tumors"


@pytest.mark.parametrize(
    ("before", "after", "kept"), [(10, 500, (10, 374)), (500, 10, (374, 10)), (300, 300, (192, 192))]
)
def test_a_long_text_is_cut_to_a_window(before: int, after: int, kept: tuple[int, int]) -> None:
    words = [*(f"a{number}" for number in range(before)), "GOUT", *(f"b{number}" for number in range(after))]
    found = published(" ".join(words), "GOUT", "D1").mention
    left, right = found.text[: found.start].split(), found.text[found.end :].split()
    assert (len(left), len(right)) == kept
    assert (left[-1], right[0]) == (f"a{before - 1}", "b0")


def test_a_document_that_comes_twice_counts_once() -> None:
    example = Example(Mention("gout", 0, 4), (("D1",),), "1")
    assert len(publish([example, example], "published")) == 1
    assert len(publish([example, example], "released")) == 2


def test_without_ab3p_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "pyab3p":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match="pip install pyab3p, or take --text published"):
        publish([], "ab3p")


def shared_rows(released: Path, genbioel: Path, form: TextForm) -> tuple[int, int]:
    """Rows of the test split that are the same, and rows in all."""
    own = open_corpus(NCBI, released, form, allow_different=True).examples("test")
    theirs = open_corpus(NCBI, genbioel, allow_different=True).examples("test")
    assert len(own) == len(theirs)

    def contexts(examples: Iterable[Example]) -> Counter[tuple[str, str]]:
        return Counter((one.mention.text[: one.mention.start], one.mention.text[one.mention.end :]) for one in examples)

    assert contexts(own) == contexts(theirs)
    return (Counter(map(row, own)) & Counter(map(row, theirs))).total(), len(own)


@pytest.mark.parametrize("form", FORMS)
def test_the_rows_of_the_sample_are_genbioels(form: TextForm) -> None:
    same, rows = shared_rows(SAMPLE / "released", SAMPLE / "genbioel", form)
    assert (same, rows) == (53, 53)


@whole_corpus
@pytest.mark.parametrize(("form", "expected"), FORMS.items())
def test_the_rows_of_the_whole_benchmark_are_genbioels_but_for_a_few(form: TextForm, expected: int) -> None:
    # Ab3P: the two that differ keep "tumours", which their tool changes elsewhere, before a bar that it put there.
    data = FULL / "data"
    assert shared_rows(data / "ncbi_disease", data / "genbioel" / "ncbi", form) == (expected, 960)


@whole_corpus
@pytest.mark.parametrize(("form", "expected"), [(form, {"published": 5758, "ab3p": 5783}[form]) for form in FORMS])
def test_the_mentions_of_the_training_files_are_genbioels_but_for_a_few(form: TextForm, expected: int) -> None:
    data = FULL / "data"
    own, theirs = (
        Counter((one.mention.surface, one.concept_ids) for one in corpus.learnable(("train", "dev"), "test"))
        for corpus in (open_corpus(NCBI, data / "ncbi_disease", form), open_corpus(NCBI, data / "genbioel" / "ncbi"))
    )
    assert own.total() == theirs.total() == 5784
    assert (own & theirs).total() == expected
