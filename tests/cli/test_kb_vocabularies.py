"""`angel kb build` of vocabularies: files, folders of releases, and the options that choose a part of them."""

import gzip

import pytest
from transformers.utils import logging as transformers_logging
from typer.testing import CliRunner

from angel_hf import KnowledgeBase
from angel_hf.cli import app
from angel_hf.cli.kb_files import terms_of
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Retired
from tests.formats.vocabularies import snomed_release, umls_release


def build(*arguments: object):
    return CliRunner().invoke(app, ["kb", "build", *map(str, arguments)])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), ["Green Fever of Mars", "Coloured Fevers", "GRN1 gene"]),
        (("--semantic-group", "DISO"), ["Green Fever of Mars", "Coloured Fevers"]),
        (("--source", "SNOMEDCT_US,HGNC"), ["Verdant fever (disorder)", "GRN1 gene"]),
        (("--language", "de", "--semantic-type", "Disease or Syndrome"), ["Grünfieber", "Nur deutsch"]),
        (("--semantic-type", "Amino Acid, Peptide, or Protein,T028"), ["GRN1 gene"]),
        (("--term-type", "MH", "--term-type", "DEV", "--suppressed"), ["Green Fever", "Coloured Fevers"]),
    ],
)
def test_a_part_of_umls(tmp_path, options, names):
    release = umls_release.write_release(tmp_path / "2026AA" / "META")
    result = build(release.parent, tmp_path / "kb", *options)
    assert result.exit_code == 0, result.stderr
    assert [concept.names[0] for concept in KnowledgeBase.load(tmp_path / "kb").concepts()] == names


def test_a_release_of_snomed_ct(tmp_path):
    result = build(snomed_release.write_release(tmp_path / "release"), tmp_path / "kb", "--language", "en-GB")
    assert result.exit_code == 0, result.stderr
    concept = KnowledgeBase.load(tmp_path / "kb").concept("90001")
    assert (concept.names[0], concept.parents, concept.semantic_types) == (
        "Fever of green colour",
        ("90002",),
        ("disorder",),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--language", "ENG"), "names.csv: a table with the columns concept_id and name cannot be read by --language"),
        (("--semantic-group", "DISO", "--taxon", "9606"), "--semantic-group (semantic_groups), --taxon (taxa)"),
    ],
)
def test_an_option_that_the_format_knows_nothing_of_is_an_error(tmp_path, options, message):
    (tmp_path / "names.csv").write_text("cui,name\nDM:1,green fever\n")
    result = build(tmp_path / "names.csv", tmp_path / "kb", *options)
    assert (result.exit_code, (tmp_path / "kb").exists()) == (2, False)
    assert message in result.stderr


@pytest.mark.parametrize("name", ["names.csv", "kb.parquet", "kb.safetensors", "kb"])
def test_a_selection_of_what_has_no_parts_is_an_error(tmp_path, name):
    (tmp_path / "names.csv").write_text("cui,name\nDM:1,green fever\n")
    knowledge_base = KnowledgeBase.from_file(tmp_path / "names.csv")
    knowledge_base.save(tmp_path / "kb")
    knowledge_base.save(tmp_path / "kb.safetensors")
    knowledge_base.to_parquet(tmp_path / "kb.parquet")
    assert KnowledgeBase.from_file(tmp_path / name).num_names == 1
    with pytest.raises(ValueError, match=f"{name}: .* cannot be read by --taxon"):
        KnowledgeBase.from_file(tmp_path / name, selection=Selection(taxa=("9606",)))


def test_a_bad_record_costs_that_record_and_is_told(tmp_path):
    (tmp_path / "medic.txt").write_text("D900001||Green Fever|Fever, Green|\nD900002\nD900003||Red\x00 Fever|Red\n")
    result = build(tmp_path / "medic.txt", tmp_path / "kb")
    assert result.exit_code == 1
    first, second, third, count = result.stderr.splitlines()
    assert first.endswith("medic.txt:1: concept D900001 has an empty name at place 3 of 3; its other names are read")
    assert second.startswith(f"{tmp_path}/medic.txt:2: no `||` between the identifiers and the names in 'D900002'")
    assert "D900003" in third and "Red\\x00 Fever" in third and "control character" in third
    assert count.startswith("3 records or names were left out; the others were read")
    names = [concept.names for concept in KnowledgeBase.load(tmp_path / "kb").concepts()]
    assert names == [("Green Fever", "Fever, Green"), ("Red",)]


def test_a_strict_build_refuses_the_first_bad_record(tmp_path):
    (tmp_path / "names.csv").write_text("cui,name\nDM:1,green fever\nDM:2,\nDM:3\n")
    result = build(tmp_path / "names.csv", tmp_path / "kb", "--strict")
    assert (result.exit_code, (tmp_path / "kb").exists()) == (2, False)
    assert result.stderr.startswith(f"error: {tmp_path}/names.csv:3: no name in 'DM:2,'")


def test_only_the_first_of_many_bad_records_are_shown(tmp_path):
    (tmp_path / "names.csv").write_text("cui,name\nDM:1,green fever\n" + "DM:2,\n" * 1234)
    shown = build(tmp_path / "names.csv", tmp_path / "kb").stderr.splitlines()
    assert len(shown) == 21
    assert shown[-1].startswith("1,234 records or names were left out (1,214 more not shown); the others were read")


def test_half_a_file_is_no_knowledge_base(tmp_path):
    rows = "".join(f"DM:{number},fever {number * 7919 % 104729}\n" for number in range(60_000))
    packed = gzip.compress(f"cui,name\n{rows}".encode())
    (tmp_path / "names.csv.gz").write_bytes(packed[: len(packed) // 2])
    result = build(tmp_path / "names.csv.gz", tmp_path / "kb")
    assert (result.exit_code, (tmp_path / "kb").exists()) == (2, False)
    assert "not a whole gzip file" in result.stderr


def test_python_is_told_by_the_log_or_by_what_it_gives(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(transformers_logging.get_logger("transformers"), "propagate", True)
    path = tmp_path / "names.csv"
    path.write_text("cui,name\nDM:1,green fever\nDM:2,\n")
    rejections = Rejections()
    KnowledgeBase.from_file(path, rejections=rejections)
    assert (rejections.count, [one.line for one in rejections.first]) == (1, [3])
    with pytest.raises(ValueError, match="names.csv:3: no name"):
        KnowledgeBase.from_file(path, rejections=Rejections(strict=True))
    with caplog.at_level("WARNING"):
        KnowledgeBase.from_file(path)
    assert "1 record or name was left out; the others were read" in caplog.text


def test_releases_are_compared_with_what_they_retired(tmp_path):
    new = umls_release.write_release(tmp_path / "new" / "META")
    items = terms_of(new.parent)
    assert Retired("C9100001", ("C9000001",)) in items
    (tmp_path / "old.csv").write_text("cui,name\nC9100001,Verdant fever\nC9000002,Coloured Fevers\n")
    result = CliRunner().invoke(app, ["kb", "diff", str(tmp_path / "old.csv"), str(new.parent)])
    assert result.exit_code in (0, 1), result.stderr
    assert "C9100001 Verdant fever -> C9000001" in result.stdout
