"""Documents in Parquet are linked as each would be alone, whatever the windows."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from angel_hf import AngelForEntityLinking, Mention
from angel_hf.bulk import Columns, Options
from angel_hf.search import BeamSearch, VerbatimFirst
from angel_hf.search.answer_cache import AnswerCache
from tests.bulk_world import (
    SCHEMA,
    SPANS,
    documents,
    linked_rows,
    rejected_rows,
    run_locally,
    save_model,
    shards,
    write,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def linker(model):
    """The same model by itself: the independent path."""
    return AngelForEntityLinking.from_pretrained(model).eval()


# What comes out


def test_each_mention_gets_what_the_model_answers_for_it_alone_in_the_order_of_the_input(tmp_path, model, linker):
    rows = documents(40)
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "out", model, window=16, top_k=3, search=BeamSearch(4))
    expected = [
        (row, linker.link(Mention(row["text"], span["start"], span["end"]), top_k=3, search=BeamSearch(4)))
        for row in rows
        for span in row["spans"]
    ]
    found = linked_rows(tmp_path / "out")
    assert len(found) == len(expected) == 80
    for got, (row, alone) in zip(found, expected):
        assert (got["document_id"], got["start"], got["end"]) == (
            row["document_id"],
            alone.mention.start,
            alone.mention.end,
        )
        assert got["surface"] == alone.mention.surface
        assert (got["name"], got["concept_ids"]) == (alone.best.name, list(alone.best.concept_ids))
        assert got["score"] == pytest.approx(alone.best.score, abs=1e-5)
        assert [one["name"] for one in got["candidates"]] == [one.name for one in alone.candidates]
        assert [one["concept_ids"] for one in got["candidates"]] == [list(one.concept_ids) for one in alone.candidates]


def test_without_context_a_mention_is_read_alone(tmp_path, model, linker):
    rows = documents(12)
    source = write(tmp_path / "in.parquet", rows)
    run_locally(source, tmp_path / "alone", model, search=BeamSearch(4), context_tokens=0)
    run_locally(source, tmp_path / "whole", model, search=BeamSearch(4))
    scores = {name: [one["score"] for one in linked_rows(tmp_path / name)] for name in ("alone", "whole")}
    surfaces = [row["text"][span["start"] : span["end"]] for row in rows for span in row["spans"]]
    bare = linker.link([Mention(one, 0, len(one)) for one in surfaces], top_k=1, search=BeamSearch(4))
    assert scores["alone"] == pytest.approx([one.best.score for one in bare], abs=1e-5)
    assert scores["alone"] != pytest.approx(scores["whole"], abs=1e-5)
    with pytest.raises(ValueError, match="options.context_tokens was None and is 0"):
        run_locally(source, tmp_path / "whole", model, search=BeamSearch(4), context_tokens=0)
    with pytest.raises(ValueError, match="context_tokens=-1; expected 0 or more"):
        Options(context_tokens=-1)


def test_mentions_that_are_read_alone_are_remembered_within_a_window(tmp_path, model, monkeypatch):
    rows = documents(12)
    source = write(tmp_path / "in.parquet", rows)
    caches = []

    class Watched(AnswerCache):
        def __init__(self):
            super().__init__()
            caches.append(self)

    monkeypatch.setattr("angel_hf.bulk.window_linker.AnswerCache", Watched)
    run_locally(source, tmp_path / "whole", model, search=BeamSearch(4), window=6)
    assert not caches
    run_locally(source, tmp_path / "alone", model, search=BeamSearch(4), window=6, context_tokens=0)
    of_windows = [
        [row["text"][one["start"] : one["end"]] for row in own for one in row["spans"]] for own in (rows[:6], rows[6:])
    ]
    assert [cache.misses for cache in caches] == [len(set(own)) for own in of_windows]
    assert [cache.hits for cache in caches] == [len(own) - len(set(own)) for own in of_windows]
    assert min(cache.hits for cache in caches) > 0


def test_a_verbatim_name_comes_first_where_that_is_asked_for(tmp_path, model, linker):
    rows = documents(12)
    source = write(tmp_path / "in.parquet", rows)
    mentions = [Mention(row["text"], one["start"], one["end"]) for row in rows for one in row["spans"]]
    firsts = []
    for asked in (True, False):
        search = VerbatimFirst(BeamSearch(4)) if asked else BeamSearch(4)
        run_locally(source, tmp_path / str(asked), model, search=search)
        found = linker.link(mentions, top_k=1, search=search)
        firsts.append([one["name"] for one in linked_rows(tmp_path / str(asked))])
        assert firsts[-1] == [one.best.name for one in found]
    assert firsts[0] != firsts[1]


def test_an_abbreviation_is_read_as_its_text_defines_it_unless_it_is_to_be_read_as_written(tmp_path, model, linker):
    text = "Wilson disease (WD) is rare. WD is inherited."
    start = text.index("WD is")
    row = {"document_id": "d", "text": text, "spans": [{"start": start, "end": start + 2}]}
    source = write(tmp_path / "in.parquet", [row])
    run_locally(source, tmp_path / "out", model, search=BeamSearch(4))
    run_locally(source, tmp_path / "as-written", model, search=BeamSearch(4), expand=False)
    (expanded,), (as_written,) = linked_rows(tmp_path / "out"), linked_rows(tmp_path / "as-written")
    written_out = text[:start] + "Wilson disease is inherited."
    for got, mention in (
        (expanded, Mention(written_out, start, start + 14)),
        (as_written, Mention(text, start, start + 2)),
    ):
        assert (got["start"], got["end"], got["surface"]) == (start, start + 2, "WD")
        assert got["score"] == pytest.approx(linker.link(mention, 1, BeamSearch(4)).best.score, abs=1e-5)
    assert expanded["read_as"] == "Wilson disease"
    assert "read_as" not in as_written
    assert expanded["score"] != pytest.approx(as_written["score"], abs=1e-3)


def test_one_name_a_mention_makes_no_column_of_candidates_and_a_model_without_confidence_none_of_it(tmp_path, model):
    run_locally(write(tmp_path / "in.parquet", documents(5)), tmp_path / "out", model, search=BeamSearch(4))
    table = pyarrow.parquet.read_table(tmp_path / "out" / "linked")
    assert table.schema.names == ["document_id", "start", "end", "surface", "read_as", "concept_ids", "name", "score"]
    assert [str(table.schema.field(name).type) for name in ("start", "score")] == ["int32", "float"]


def test_the_document_id_keeps_its_type_and_columns_are_copied_to_each_mention(tmp_path, model):
    rows = documents(10)
    ids = pyarrow.array(range(10), pyarrow.uint32())
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA).set_column(0, "pmid", ids)
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    columns = Columns(id="pmid", keep=("year",))
    run_locally(tmp_path / "in.parquet", tmp_path / "out", model, columns=columns, search=BeamSearch(2))
    found = pyarrow.parquet.read_table(tmp_path / "out" / "linked")
    assert [found.schema.field(name).type for name in ("document_id", "year")] == [pyarrow.uint32(), pyarrow.int16()]
    expected = [(number, row["year"]) for number, row in enumerate(rows) for _ in row["spans"]]
    assert [(row["document_id"], row["year"]) for row in found.to_pylist()] == expected


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("spans", pyarrow.list_(pyarrow.list_(pyarrow.int32()))),
        ("spans", pyarrow.large_list(pyarrow.list_(pyarrow.int64(), 2))),
        ("text", pyarrow.large_string()),
        ("text", pyarrow.binary()),
        ("text", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        ("document_id", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
    ],
    ids=str,
)
def test_other_types_of_a_column_say_the_same(tmp_path, model, column, kind):
    rows = documents(20)
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "expected", model, search=BeamSearch(2))
    values = [
        [[span["start"], span["end"]] for span in row["spans"]] if column == "spans" else row[column] for row in rows
    ]
    values = [value.encode() for value in values] if kind == pyarrow.binary() else values
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
    table = table.set_column(table.schema.names.index(column), column, pyarrow.array(values, kind))
    pyarrow.parquet.write_table(table, tmp_path / "other.parquet", row_group_size=7)
    run_locally(tmp_path / "other.parquet", tmp_path / "out", model, search=BeamSearch(2))
    assert linked_rows(tmp_path / "out") == linked_rows(tmp_path / "expected")


def test_a_folder_and_a_pattern_are_their_files_by_name(tmp_path, model):
    rows = documents(30)
    write(tmp_path / "in" / "b.parquet", rows[12:])
    write(tmp_path / "in" / "a" / "1.parquet", rows[:12])
    write(tmp_path / "in" / ".c.parquet", rows)
    (tmp_path / "in" / "notes.txt").write_text("no Parquet")
    whole = write(tmp_path / "whole.parquet", rows)
    for name, source in (("folder", "in"), ("pattern", "in/**/*.parquet"), ("flat", "in/*.parquet"), ("whole", whole)):
        run_locally(tmp_path / source, tmp_path / name, model, window=100, search=BeamSearch(2))
    found = linked_rows(tmp_path / "folder")
    keys = ("document_id", "start", "name")
    assert [[row[key] for key in keys] for row in found] == [
        [row[key] for key in keys] for row in linked_rows(tmp_path / "whole")
    ]
    assert linked_rows(tmp_path / "pattern") == found
    assert {row["document_id"] for row in linked_rows(tmp_path / "flat")} == {f"d{n}" for n in range(12, 30) if n % 5}
    assert [path.name for path in shards(tmp_path / "folder")] == [
        "00000-000000000000.parquet",
        "00001-000000000000.parquet",
    ]


def test_detected_mentions_are_those_of_annotate(tmp_path):
    """With the embedded model, which tells its confidence; two mentions of one composite have the same offsets."""
    angel = AngelForEntityLinking.from_pretrained("angel-mini").eval()
    texts = ["Wilson disease (WD) is rare. WD was found.", "No such thing.", "", "Breast and ovarian cancer in A-T."]
    rows = [{"document_id": str(number), "text": text} for number, text in enumerate(texts)]
    write(tmp_path / "in.parquet", rows)
    run_locally(tmp_path / "in.parquet", tmp_path / "out", Path("angel-mini"), detect=True)
    expected = [(str(number), one) for number, text in enumerate(texts) for one in angel.annotate(text)]
    found = linked_rows(tmp_path / "out")
    assert len(found) == len(expected) > 4
    for got, (document_id, one) in zip(found, expected):
        assert (got["document_id"], got["surface"], got["read_as"]) == (document_id, one.mention.surface, one.read_as)
        assert (got["start"], got["end"], got["name"]) == (one.mention.start, one.mention.end, one.best.name)
        assert got["confidence"] == pytest.approx(one.confidence, abs=1e-4)


def test_detected_mentions_are_read_with_so_much_context_as_given_ones(tmp_path):
    texts = ["A patient with Wilson disease and ataxia.", "Wilson disease was diagnosed in infancy, with fever."]
    rows = [{"document_id": str(number), "text": text} for number, text in enumerate(texts)]
    write(tmp_path / "in.parquet", rows)
    for name, options in {"alone": {"context_tokens": 0}, "whole": {}}.items():
        run_locally(tmp_path / "in.parquet", tmp_path / name, Path("angel-mini"), detect=True, **options)
    rows = [
        row
        | {
            "spans": [
                {"start": one["start"], "end": one["end"]}
                for one in linked_rows(tmp_path / "alone")
                if one["document_id"] == row["document_id"]
            ]
        }
        for row in rows
    ]
    run_locally(write(tmp_path / "given.parquet", rows), tmp_path / "given", Path("angel-mini"), context_tokens=0)
    scores = {name: [one["score"] for one in linked_rows(tmp_path / name)] for name in ("alone", "whole", "given")}
    assert scores["alone"] == pytest.approx(scores["given"], abs=1e-5)
    assert scores["alone"] != pytest.approx(scores["whole"], abs=1e-3)


def test_the_confidence_of_a_given_mention_comes_from_all_names_found_whatever_number_is_wanted(tmp_path):
    angel = AngelForEntityLinking.from_pretrained("angel-mini").eval()
    text = "A case of ataxia telangiectasia."
    rows = [{"document_id": "1", "text": text, "spans": [{"start": 10, "end": 31}]}]
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "out", Path("angel-mini"))
    (got,) = linked_rows(tmp_path / "out")
    expected = angel.confidence.probability(angel.link(Mention(text, 10, 31), top_k=10, search=BeamSearch(10)))
    assert got["confidence"] == pytest.approx(expected, abs=1e-4)


# What cannot be linked


def test_bad_rows_go_aside_with_their_cause_and_the_rest_is_linked(tmp_path, model):
    rows = documents(12)
    bad = {
        1: {"text": None},
        2: {"spans": None},
        3: {"spans": [{"start": 0, "end": 4}, {"start": 0, "end": 4000}]},
        4: {"spans": [{"start": 4, "end": 5}]},
        6: {"spans": [{"start": None, "end": 5}]},
        7: {"text": "x" * 200, "spans": [{"start": 0, "end": 200}]},
        8: {"document_id": None},
    }
    changed = [row | bad.get(number, {}) for number, row in enumerate(rows)]
    table = pyarrow.Table.from_pylist(changed, schema=SCHEMA)
    texts = [None if row["text"] is None else row["text"].encode() for row in changed]
    texts[9] = b"M\xfcller"
    table = table.set_column(1, "text", pyarrow.array(texts, pyarrow.binary()).view(pyarrow.string()))
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    reports, totals = run_locally(tmp_path / "in.parquet", tmp_path / "out", model, window=5, search=BeamSearch(2))
    aside = rejected_rows(tmp_path / "out")
    assert [(row["file"], row["row"]) for row in aside] == [("in.parquet", n) for n in (1, 2, 3, 4, 6, 7, 8, 9)]
    assert [row["document_id"] for row in aside] == ["d1", "d2", "d3", "d4", "d6", "d7", None, "d9"]
    for row, cause in zip(
        aside,
        (
            "text is null",
            "spans is null; expected a list, empty where there are no mentions",
            "span 2: mention span 0:4000 does not fit its text",
            "span 1: mention span 4:5 holds only white space",
            "span 1 is {'start': None, 'end': 5}; expected [start, end], two whole numbers",
            f"'{'x' * 60}': mention '{'x' * 60}'... takes ",
            "document_id is null",
            "text is not UTF-8: byte 0xfc at place 2",
        ),
    ):
        assert row["cause"].startswith(cause)
    assert {row["document_id"] for row in linked_rows(tmp_path / "out")} == {"d11"}  # d0, d5 and d10 have no mentions
    assert (totals.rows, totals.rejected) == (12, 8)
    assert [report.rejected for report in reports] == [4, 4, 0]
    assert reports[0].causes[0].startswith("in.parquet, row 1: text is null")


def test_a_row_whose_spans_count_utf_16_units_is_told(tmp_path, model):
    rows = [
        {"document_id": name, "text": "😀 fever came", "spans": [{"start": start, "end": start + 5}], "year": 2000}
        for name, start in (("units", 3), ("characters", 2))
    ]
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "out", model, search=BeamSearch(2))
    assert {row["document_id"] for row in linked_rows(tmp_path / "out")} == {"characters"}


def test_a_mention_that_is_too_long_does_not_change_the_answers_of_others(tmp_path, model):
    good = documents(30)
    long = {"document_id": "long", "text": "y" * 300, "spans": [{"start": 0, "end": 300}], "year": 2000}
    run_locally(write(tmp_path / "good.parquet", good), tmp_path / "expected", model, search=BeamSearch(2))
    run_locally(write(tmp_path / "in.parquet", [*good, long]), tmp_path / "out", model, search=BeamSearch(2))
    found, expected = linked_rows(tmp_path / "out"), linked_rows(tmp_path / "expected")
    assert [row["name"] for row in found] == [row["name"] for row in expected]
    # Other batches, so other roundings; the toy's weights are large.
    assert [row["score"] for row in found] == pytest.approx([row["score"] for row in expected], abs=2e-5)
    assert [row["document_id"] for row in rejected_rows(tmp_path / "out")] == ["long"]


# Input that cannot be had


def test_files_whose_ids_differ_in_type_are_refused(tmp_path, model):
    write(tmp_path / "in" / "a.parquet", documents(3))
    table = pyarrow.table({"document_id": [1], "text": ["a"], "spans": pyarrow.array([[]], SPANS)})
    pyarrow.parquet.write_table(table, tmp_path / "in" / "b.parquet")
    with pytest.raises(ValueError, match="column document_id is string in a.parquet and int64 in b.parquet"):
        run_locally(tmp_path / "in", tmp_path / "out", model)


def test_damage_inside_a_file_stops_the_run_and_names_the_rows(tmp_path, model):
    rows = [row | {"spans": []} for row in documents(1024)]
    source = write(tmp_path / "in.parquet", rows, row_group=256)
    place = pyarrow.parquet.read_metadata(source).row_group(2).column(1).data_page_offset
    data = bytearray(source.read_bytes())
    data[place : place + 40] = b"\xff" * 40
    source.write_bytes(data)
    with pytest.raises(ValueError, match="in.parquet: cannot be read at rows 512 to 767 or soon after"):
        run_locally(source, tmp_path / "out", model, window=256)
    assert len(shards(tmp_path / "out")) == 2


@pytest.mark.parametrize("kept", ["name", "document_id"])
def test_a_kept_column_must_not_have_the_name_of_an_answer_or_of_the_document_id(tmp_path, model, kept):
    table = pyarrow.Table.from_pylist(documents(3), schema=SCHEMA).rename_columns(["pmid", "text", "spans", kept])
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=f"column {kept} has the name of a column of the output; rename it"):
        run_locally(tmp_path / "in.parquet", tmp_path / "out", model, columns=Columns(id="pmid", keep=(kept,)))


def test_the_document_id_may_be_called_as_an_answer_is(tmp_path, model):
    table = pyarrow.Table.from_pylist(documents(3), schema=SCHEMA).rename_columns(["name", "text", "spans", "year"])
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    run_locally(tmp_path / "in.parquet", tmp_path / "out", model, columns=Columns(id="name"), search=BeamSearch(2))
    assert [row["document_id"] for row in linked_rows(tmp_path / "out")] == ["d1", "d2", "d2"]
