"""`angel kb build` of vocabularies: files, folders of releases, and the options that choose a part of them."""

import pytest
from typer.testing import CliRunner

from angel_hf import KnowledgeBase
from angel_hf.cli import app
from angel_hf.formats.selection import Selection
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
