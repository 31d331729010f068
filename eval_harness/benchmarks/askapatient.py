"""AskAPatient, phrases of drug reviews in ten folds; concepts are those of SNOMED CT and AMT, named in the files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from angel_hf.types import Concept, Mention
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.text_lines import numbered_lines

_PHRASES = 17_324  # of the whole data set; every fold parts it anew
_TEST = (867, 867, 866, 866, 866, 866, 866, 866, 866, 866)
_DEV = (845, 826, 758, 786, 828, 783, 748, 799, 811, 742)
# GenBioEL's train rows: phrases equal to a concept's name left out, and a second target for others.
_GENBIOEL_TRAIN = (16826, 16838, 16840, 16826, 16862, 16848, 16856, 16848, 16822, 16834)


def read_askapatient(path: Path, bad: BadRecords) -> Iterator[Example]:
    """Yield the phrase of every row `concept id, name, phrase`; there is no text around it.

    The files are Latin-1, as released. Every row is a document of its own.
    """
    for number, (concept_id, _name, phrase) in _rows(path, bad):
        yield Example(Mention(phrase, 0, len(phrase)), ((concept_id,),), f"{path.stem}-{number}")


def read_concepts(directory: Path, bad: BadRecords) -> Iterator[Concept]:
    """Yield the concepts that the files of all folds name, with the names they have there."""
    names: dict[str, dict[str, None]] = {}
    for path in sorted(directory.glob("AskAPatient.fold-*.txt")):
        for _, (concept_id, name, _phrase) in _rows(path, bad):
            names.setdefault(concept_id, {})[name] = None
    return (Concept(concept_id, tuple(own)) for concept_id, own in names.items())


def _rows(path: Path, bad: BadRecords) -> Iterator[tuple[int, list[str]]]:
    for number, line in numbered_lines(path, bad, encoding="latin-1"):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 3 or not all(cells) or not re.fullmatch(r"\d+", cells[0]):
            bad.report(path, number, f"cells {cells!r}; expected a concept id, its name and a phrase, parted by tabs")
            continue
        yield number, cells


ASKAPATIENT = Benchmark(
    name="askapatient",
    title="AskAPatient",
    citation="Limsopatham and Collier, Normalising medical concepts in social media texts by learning semantic "
    "representation, ACL 2016",
    licence="CC BY 4.0; SNOMED CT and AMT names: licence of SNOMED International",
    licence_id="cc-by-4.0",
    obtain="AskAPatient.fold-{0..9}.{train,validation,test}.txt of the release (Zenodo record 55013)",
    redistributable=True,
    names_redistributable=False,
    files={
        "train": "AskAPatient.fold-{fold}.train.txt",
        "dev": "AskAPatient.fold-{fold}.validation.txt",
        "test": "AskAPatient.fold-{fold}.test.txt",
    },
    read=read_askapatient,
    expected={"train": tuple(_PHRASES - dev - test for dev, test in zip(_DEV, _TEST)), "dev": _DEV, "test": _TEST},
    expected_genbioel={"train": _GENBIOEL_TRAIN, "dev": _DEV, "test": _TEST},
    genbioel_directory="fold{fold}",
    folds=tuple("0123456789"),
    published_text=False,
    own_concepts=read_concepts,
)
