"""Which format a file or a folder is of: by what is in it, whatever it is called."""

import gzip
import io
from pathlib import Path

import pytest

from angel_hf.formats.guarded import guarded
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.vocabulary_format import (
    FOLDER_FORMATS,
    VOCABULARY_FORMATS,
    folder_format_of,
    vocabulary_format_of,
)
from tests.formats.vocabularies import (
    snomed_release,
    test_ctd,
    test_icd,
    test_mesh_ascii,
    test_mesh_mapping,
    test_ncbi,
    test_orphanet,
    test_umls,
    umls_release,
)
from tests.formats.vocabularies.reading import FIXTURES

FILES = {
    "MeSH XML": (FIXTURES / "desc.xml").read_text(encoding="utf-8"),
    "MeSH ASCII": test_mesh_ascii.DESCRIPTORS,
    "a tab-separated MeSH mapping `id, name, synonyms, ...`": test_mesh_mapping.DESCRIPTORS,
    "UMLS's MRCONSO.RRF": umls_release.CONCEPTS,
    "RxNorm's RXNCONSO.RRF": test_umls.RXNORM,
    "Orphanet XML": test_orphanet.XML.replace("ENCODING", "utf-8"),
    "ICD-10-CM's tabular XML": test_icd.TABULAR,
    "ICD-10 ClaML": test_icd.CLAML,
    "ICD-10-CM's order file": test_icd.ORDER,
    "ICD-11's simple tabulation": "\n".join((test_icd.HEADER, *test_icd.ROWS)),
    "CTD's tables": test_ctd.DISEASES,
    "NCBI's gene_info": test_ncbi.GENES,
    "NCBI's gene_history": test_ncbi.HISTORY,
    "MEDIC or BioSyn text `ID|ALT_ID||name|name`": "\nD900001|9||Green Fever|Fever, Green\nD900002||Blue Fever\n",
    "a table with the columns concept_id and name": "cui,name\nX:1,Green Fever\n",
    "two columns of identifiers and names": "X:1\tGreen Fever\nX:2\tBlue Fever\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_recognised_by_what_is_in_it(name, pack, mark):
    source = Source(Path("file.download"), io.BytesIO(pack(FILES[name].encode(mark))))
    found = vocabulary_format_of(source)
    assert found is not None and found.name == name
    assert any(not isinstance(item, Rejected) for item in found.read(source, Selection()))


@pytest.mark.parametrize("name", FILES)
def test_a_packed_file_that_is_cut_short_gives_what_came_before_and_tells_so(name):
    data = FILES[name].encode()
    packed = gzip.compress(data + data[data.rindex(b"\n", 0, -1) :] * 20_000)  # more than is looked at ahead
    source = Source(Path("file.gz"), io.BytesIO(packed[:-12]))
    reader = next(one for one in VOCABULARY_FORMATS if one.name == name)
    *_, last = guarded(source, lambda opened: reader.read(opened, Selection()))
    assert isinstance(last, Rejected) and last.is_rest
    assert "not a whole gzip file" in last.cause or "not well-formed XML" in last.cause


def test_each_format_of_a_file_has_a_fixture():
    covered = {*FILES, "NCBI's taxdump.tar.gz", "a part of a vocabulary", "CSV"}
    assert {one.name for one in VOCABULARY_FORMATS} == covered


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "words",
        "A text, of words.\n",
        "<html><body/></html>",
        '{"a": ["b"]}',
        '[{"id": "X:1"}]',
        "[Term]\nid: X:1\n",
    ],
)
def test_other_files_are_of_no_vocabulary(text):
    assert vocabulary_format_of(Source(Path("file.txt"), io.BytesIO(text.encode()))) is None


def test_folders_are_recognised_by_their_files(tmp_path):
    umls_release.write_release(tmp_path / "umls" / "META")
    snomed_release.write_release(tmp_path / "snomed")
    (tmp_path / "genes").mkdir()
    (tmp_path / "genes" / "Homo_sapiens.gene_info").write_text(test_ncbi.GENES)
    (tmp_path / "taxa").mkdir()
    test_ncbi.read_dump(tmp_path / "taxa", packed=False)
    (tmp_path / "other").mkdir()
    names = {path.name: folder_format_of(path) for path in tmp_path.iterdir()}
    assert {name: one and one.name for name, one in names.items()} == {
        "umls": "a folder of UMLS",
        "snomed": "a release of SNOMED CT",
        "genes": "a folder of NCBI Gene",
        "taxa": "a folder of NCBI Taxonomy",
        "other": None,
    }
    for name, one in names.items():
        assert one is None or any(isinstance(item, Term) for item in one.read(tmp_path / name, Selection()))
    assert len(FOLDER_FORMATS) == 4


def test_an_archive_is_recognised(tmp_path):
    test_ncbi.read_dump(tmp_path, packed=True)
    with Source(tmp_path / "taxdump.tar.gz") as source:
        found = vocabulary_format_of(source)
        assert found is not None and found.name == "NCBI's taxdump.tar.gz"
        assert sum(isinstance(item, Term) for item in found.read(source, Selection())) == 3


@pytest.mark.parametrize("name", ["MRSTY.RRF", "names.dmp", "sct2_Concept_Snapshot_INT_20260101.txt"])
def test_one_file_of_several_is_told_to_be_one(name):
    source = Source(Path(name), io.BytesIO(b"C9000001|T047|B|x|y||\n"))
    found = vocabulary_format_of(source)
    assert found is not None
    (rejected,) = found.read(source, Selection())
    assert rejected.is_rest and "expected the folder that holds them" in rejected.cause


def test_an_option_that_a_format_knows_nothing_of_is_an_error():
    Selection().check_heeded((), "MEDIC")
    Selection(taxa=("9606",)).check_heeded(("taxa",), "NCBI's gene_info")
    with pytest.raises(ValueError, match=r"MEDIC cannot be read by --language \(languages\), --taxon .*heeds: none"):
        Selection(languages=("ENG",), taxa=("9606",)).check_heeded((), "MEDIC")
