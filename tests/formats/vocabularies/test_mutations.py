"""Every reader on thousands of spoiled files: a rejection or a term for what is there, never an exception or a hang."""

import contextlib
import io
import random
import time
import warnings
from pathlib import Path

import pytest

from angel_hf.formats.guarded import guarded
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.vocabulary_format import VOCABULARY_FORMATS, folder_format_of
from tests.formats.vocabularies import snomed_release, umls_release
from tests.formats.vocabularies.test_ncbi import TAXDUMP
from tests.formats.vocabularies.test_vocabulary_format import FILES

PIECES = (
    *(b"", b"\x00", b"\xff\xfe", b"\n", b"\r", b"\t", b"|", b"||", b'"', b"'", b",", b";", b"<", b">", b"</", b"&x;"),
    *(b"[" * 500, b"- " * 500, b"9" * 5000, b"\xe2\x80\xa8", b"\xed\xa0\x80", b"1e400", b"-1", b"<![CDATA[", b"<!--"),
    *(b"#", b" = ", b"*NEWRECORD"),
)
BY_NAME = {one.name: one for one in VOCABULARY_FORMATS}


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """One to three places of a file replaced, repeated or cut off."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 3, 40)))
        piece = chance.choice(PIECES) if chance.random() < 0.8 else data[start:end] * chance.randint(2, 30)
        data = data[:start] + piece + data[end:]
        if chance.random() < 0.1:
            data = data[: chance.randrange(len(data) + 1)]
    return data


def check_items(items: list[object], where: str) -> None:
    for item in items:
        assert isinstance(item, (Term, Retired, Rejected)), where
        if isinstance(item, Term):
            concept = item.concept
            texts = (concept.concept_id, *concept.names, *concept.alternative_ids, *concept.parents)
            assert concept.names and all(isinstance(text, str) and text.strip() for text in texts), (where, item)
            assert len(set(concept.names)) == len(concept.names), (where, item)
        elif isinstance(item, Retired):
            assert all(one.strip() for one in (item.concept_id, *item.successors)), (where, item)
        elif isinstance(item, Rejected):
            assert item.cause and item.line >= 0, (where, item)


def run_files(name: str, rounds: int) -> None:
    data, chance = FILES[name].encode(), random.Random(name)
    for number in range(rounds):
        mutant = spoiled(data, chance)
        start = time.process_time()
        items = list(
            guarded(Source(Path("file"), io.BytesIO(mutant)), lambda source: BY_NAME[name].read(source, Selection()))
        )
        assert time.process_time() - start < 5, (name, number)
        check_items(items, f"{name}, mutant {number}")


def run_folders(path: Path, rounds: int) -> None:
    folders = [path / "umls", path / "snomed", path / "taxa"]
    umls_release.write_release(folders[0])
    snomed_release.write_release(folders[1])
    folders[2].mkdir()
    for name, text in TAXDUMP.items():
        (folders[2] / name).write_text(text)
    chance = random.Random(7)
    for number in range(rounds):
        folder = chance.choice(folders)
        spoiled_file = chance.choice(sorted(one for one in folder.rglob("*") if one.is_file()))
        original = spoiled_file.read_bytes()
        spoiled_file.write_bytes(spoiled(original, chance))
        found = folder_format_of(folder)
        assert found is not None
        items: list[object] = []
        with contextlib.suppress(ValueError):  # what makes the rest unreadable
            items.extend(found.read(folder, Selection()))
        check_items(items, f"{spoiled_file.name}, mutant {number}")
        spoiled_file.write_bytes(original)


@pytest.mark.parametrize("name", FILES)
def test_spoiled_files(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_files(name, 60)


def test_spoiled_folders(tmp_path):
    run_folders(tmp_path, 100)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_spoiled_files(name):
    run_files(name, 10_000)


@pytest.mark.slow
def test_many_spoiled_folders(tmp_path):
    run_folders(tmp_path, 10_000)
