"""Parquet: what we write is plain to other tools, what they write is read, what is damaged is refused."""

import pyarrow
import pytest
from pyarrow import parquet

from angel_hf import Concept, KnowledgeBase
from angel_hf.formats.rejections import Rejections
from angel_hf.text.reading import NORMALIZATIONS
from tests.toy import CONCEPTS


@pytest.fixture
def knowledge_base():
    return KnowledgeBase.from_concepts(CONCEPTS)


def test_parquet_is_one_plain_row_a_concept(knowledge_base, tmp_path):
    knowledge_base.to_parquet(tmp_path / "kb.parquet")
    table = parquet.read_table(tmp_path / "kb.parquet")
    assert table.to_pylist()[0] == {
        "concept_id": "D001260",
        "names": ["Ataxia Telangiectasia", "Louis-Bar", "A-T"],
        "alternative_ids": ["OMIM:208900"],
        "semantic_types": ["T047"],
        "parents": ["D001259"],
        "cross_references": [],
        "retired_ids": [],
    }
    assert [row["names"][0] for row in table.to_pylist()] == ["Ataxia Telangiectasia", "Ataxia", "louis bar"]
    assert table.schema.field("names").type == pyarrow.list_(pyarrow.string())
    assert list(tmp_path.iterdir()) == [tmp_path / "kb.parquet"]


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_parquet_and_back(tmp_path, normalization):
    built = KnowledgeBase.from_concepts(CONCEPTS, normalization)
    built.to_parquet(tmp_path / "kb.parquet")
    assert KnowledgeBase.from_file(tmp_path / "kb.parquet").fingerprint == built.fingerprint
    assert KnowledgeBase.from_parquet(tmp_path / "kb.parquet", "as-is").normalization == "as-is"


def test_parquet_of_other_tools_needs_two_columns(tmp_path):
    large = pyarrow.large_list(pyarrow.large_string())
    for column_type in (pyarrow.list_(pyarrow.dictionary(pyarrow.int32(), pyarrow.string())), large):
        columns = {
            "rank": [1, 2],
            "concept_id": pyarrow.array(["D1", "D2"]).dictionary_encode(),
            "names": pyarrow.array([["Ataxia"], ["A-T", "ataxia"]], pyarrow.list_(pyarrow.string())).cast(column_type),
            "parents": [None, None],
        }
        parquet.write_table(pyarrow.table(columns), tmp_path / "kb.parquet")
        knowledge_base = KnowledgeBase.from_file(tmp_path / "kb.parquet")
        assert list(knowledge_base.concepts()) == [Concept("D1", ("Ataxia",)), Concept("D2", ("A-T", "ataxia"))]
        assert knowledge_base.normalization == "lowercase-punctuation"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["D1"]}, "has no column concept_id or names, only id; expected one row a concept"),
        ({"concept_id": ["D1"], "names": ["ataxia"]}, "column names is of type string; expected one row a concept"),
        ({"concept_id": [1], "names": [["a"]]}, "column concept_id is of type int64"),
        ({"concept_id": ["D1"], "names": [[1]]}, "column names is of type list<.*int64>"),
        ({"concept_id": ["D1"], "names": [["a"]], "parents": ["D2"]}, "column parents is of type string"),
        ({"concept_id": ["D1"], "names": [["a\nb"]]}, r"concept D1 has no name that can be used: 'a\\nb' holds the"),
        ({"concept_id": [], "names": []}, "the knowledge base has no names"),
    ],
)
def test_parquet_that_is_not_a_knowledge_base_is_refused(tmp_path, columns, message):
    path = tmp_path / "kb.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        KnowledgeBase.from_file(path, rejections=Rejections(strict=True))


def test_a_bad_name_costs_that_name_and_a_bad_row_that_row(tmp_path):
    path = tmp_path / "kb.parquet"
    names = [["a", None, "b\nc"], ["d"], None, [" "], ["e"]]
    parquet.write_table(pyarrow.table({"concept_id": ["D1", None, "D2", "D3", "D4"], "names": names}), path)
    rejections = Rejections()
    knowledge_base = KnowledgeBase.from_file(path, rejections=rejections)
    assert list(knowledge_base.concepts()) == [Concept("D1", ("a",)), Concept("D4", ("e",))]
    assert [rejected.cause.partition(";")[0] for rejected in rejections.first] == [
        "the name None of D1 is of type NoneType",
        "the name 'b\\nc' of D1 holds the control character U+000A",
        "row 2 has no concept_id",
        "concept D2 has no name that can be used",
        "concept D3 has no name that can be used: ' ' is empty",
    ]
    with pytest.raises(ValueError, match=f"^{path}: the name None of D1 is of type NoneType"):
        KnowledgeBase.from_file(path, rejections=Rejections(strict=True))


def refusal(path) -> bool:
    """Whether a file is refused; any error but a ValueError that names the file is a failure."""
    try:
        KnowledgeBase.from_file(path)
    except ValueError as error:
        if not str(error).startswith(f"{path}: "):
            raise
        return True
    return False


def test_damaged_parquet_is_refused_with_its_path_or_still_read(knowledge_base, tmp_path):
    """One byte wrong, anywhere."""
    path = tmp_path / "kb.parquet"
    knowledge_base.to_parquet(path)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        refused += refusal(path)
    assert refused > len(whole) // 14
    for length in (0, 4, 12, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"^{path}: not a readable Parquet file"):
            KnowledgeBase.from_file(path, rejections=Rejections(strict=True))


def test_an_error_while_exporting_leaves_the_old_file(knowledge_base, tmp_path, monkeypatch):
    path = tmp_path / "kb.parquet"
    knowledge_base.to_parquet(path)
    before = path.read_bytes()

    def fails_after_one(self):
        yield CONCEPTS[0]
        raise OSError("no space left on device")

    monkeypatch.setattr(KnowledgeBase, "concepts", fails_after_one)
    with pytest.raises(OSError, match="no space left"):
        knowledge_base.to_parquet(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
