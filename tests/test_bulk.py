"""Documents in Parquet are linked as each would be alone, whatever the windows, and whatever happened before."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from angel_hf import AngelForEntityLinking, Mention
from angel_hf.bulk import Job, Options, start
from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.manifest import MANIFEST
from angel_hf.bulk.row_reader import RowReader
from angel_hf.bulk.window import Window
from angel_hf.search_options import SearchOptions
from angel_hf.subset import restricted
from tests.bulk_world import (
    SCHEMA,
    SPANS,
    contents,
    documents,
    linked_rows,
    rejected_rows,
    run_locally,
    save_model,
    shards,
    write,
)
from tests.cli_stub import run


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
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "out", model, window=16, top_k=3, num_beams=4)
    expected = [
        (row, linker.link(Mention(row["text"], span["start"], span["end"]), top_k=3, num_beams=4))
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
    run_locally(source, tmp_path / "alone", model, num_beams=4, context_tokens=0)
    run_locally(source, tmp_path / "whole", model, num_beams=4)
    scores = {name: [one["score"] for one in linked_rows(tmp_path / name)] for name in ("alone", "whole")}
    surfaces = [row["text"][span["start"] : span["end"]] for row in rows for span in row["spans"]]
    bare = linker.link([Mention(one, 0, len(one)) for one in surfaces], top_k=1, num_beams=4)
    assert scores["alone"] == pytest.approx([one.best.score for one in bare], abs=1e-5)
    assert scores["alone"] != pytest.approx(scores["whole"], abs=1e-5)
    with pytest.raises(ValueError, match="options.context_tokens was None and is 0"):
        run_locally(source, tmp_path / "whole", model, num_beams=4, context_tokens=0)
    with pytest.raises(ValueError, match="context_tokens=-1; expected 0 or more"):
        Options(context_tokens=-1)


def test_a_verbatim_name_comes_first_where_that_is_asked_for(tmp_path, model, linker):
    rows = documents(12)
    source = write(tmp_path / "in.parquet", rows)
    mentions = [Mention(row["text"], one["start"], one["end"]) for row in rows for one in row["spans"]]
    firsts = []
    for asked in (True, False):
        run_locally(source, tmp_path / str(asked), model, num_beams=4, verbatim_first=asked)
        found = linker.link(mentions, top_k=1, num_beams=4, options=SearchOptions(verbatim_first=asked))
        firsts.append([one["name"] for one in linked_rows(tmp_path / str(asked))])
        assert firsts[-1] == [one.best.name for one in found]
    assert firsts[0] != firsts[1]


def test_an_abbreviation_is_read_as_its_text_defines_it_unless_it_is_to_be_read_as_written(tmp_path, model, linker):
    text = "Wilson disease (WD) is rare. WD is inherited."
    start = text.index("WD is")
    row = {"document_id": "d", "text": text, "spans": [{"start": start, "end": start + 2}]}
    source = write(tmp_path / "in.parquet", [row])
    run_locally(source, tmp_path / "out", model, num_beams=4)
    run_locally(source, tmp_path / "as-written", model, num_beams=4, expand=False)
    (expanded,), (as_written,) = linked_rows(tmp_path / "out"), linked_rows(tmp_path / "as-written")
    written_out = text[:start] + "Wilson disease is inherited."
    for got, mention in (
        (expanded, Mention(written_out, start, start + 14)),
        (as_written, Mention(text, start, start + 2)),
    ):
        assert (got["start"], got["end"], got["surface"]) == (start, start + 2, "WD")
        assert got["score"] == pytest.approx(linker.link(mention, 1, 4).best.score, abs=1e-5)
    assert expanded["read_as"] == "Wilson disease"
    assert "read_as" not in as_written
    assert expanded["score"] != pytest.approx(as_written["score"], abs=1e-3)


def test_one_name_a_mention_makes_no_column_of_candidates_and_a_model_without_confidence_none_of_it(tmp_path, model):
    run_locally(write(tmp_path / "in.parquet", documents(5)), tmp_path / "out", model, num_beams=4)
    table = pyarrow.parquet.read_table(tmp_path / "out" / "linked")
    assert table.schema.names == ["document_id", "start", "end", "surface", "read_as", "concept_ids", "name", "score"]
    assert [str(table.schema.field(name).type) for name in ("start", "score")] == ["int32", "float"]


def test_the_document_id_keeps_its_type_and_columns_are_copied_to_each_mention(tmp_path, model):
    rows = documents(10)
    ids = pyarrow.array(range(10), pyarrow.uint32())
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA).set_column(0, "pmid", ids)
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    options = {"id_column": "pmid", "keep": ("year",), "num_beams": 2}
    run_locally(tmp_path / "in.parquet", tmp_path / "out", model, **options)
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
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "expected", model, num_beams=2)
    values = [
        [[span["start"], span["end"]] for span in row["spans"]] if column == "spans" else row[column] for row in rows
    ]
    values = [value.encode() for value in values] if kind == pyarrow.binary() else values
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
    table = table.set_column(table.schema.names.index(column), column, pyarrow.array(values, kind))
    pyarrow.parquet.write_table(table, tmp_path / "other.parquet", row_group_size=7)
    run_locally(tmp_path / "other.parquet", tmp_path / "out", model, num_beams=2)
    assert linked_rows(tmp_path / "out") == linked_rows(tmp_path / "expected")


def test_a_folder_and_a_pattern_are_their_files_by_name(tmp_path, model):
    rows = documents(30)
    write(tmp_path / "in" / "b.parquet", rows[12:])
    write(tmp_path / "in" / "a" / "1.parquet", rows[:12])
    write(tmp_path / "in" / ".c.parquet", rows)
    (tmp_path / "in" / "notes.txt").write_text("no Parquet")
    whole = write(tmp_path / "whole.parquet", rows)
    for name, source in (("folder", "in"), ("pattern", "in/**/*.parquet"), ("flat", "in/*.parquet"), ("whole", whole)):
        run_locally(tmp_path / source, tmp_path / name, model, window=100, num_beams=2)
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


def test_the_confidence_of_a_given_mention_comes_from_all_names_found_whatever_number_is_wanted(tmp_path):
    angel = AngelForEntityLinking.from_pretrained("angel-mini").eval()
    text = "A case of ataxia telangiectasia."
    rows = [{"document_id": "1", "text": text, "spans": [{"start": 10, "end": 31}]}]
    run_locally(write(tmp_path / "in.parquet", rows), tmp_path / "out", Path("angel-mini"))
    (got,) = linked_rows(tmp_path / "out")
    expected = angel.confidence.probability(angel.link(Mention(text, 10, 31), top_k=10, num_beams=10))
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
    reports, totals = run_locally(tmp_path / "in.parquet", tmp_path / "out", model, window=5, num_beams=2)
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


def test_a_mention_that_is_too_long_does_not_change_the_answers_of_others(tmp_path, model):
    good = documents(30)
    long = {"document_id": "long", "text": "y" * 300, "spans": [{"start": 0, "end": 300}], "year": 2000}
    run_locally(write(tmp_path / "good.parquet", good), tmp_path / "expected", model, num_beams=2)
    run_locally(write(tmp_path / "in.parquet", [*good, long]), tmp_path / "out", model, num_beams=2)
    found, expected = linked_rows(tmp_path / "out"), linked_rows(tmp_path / "expected")
    assert [row["name"] for row in found] == [row["name"] for row in expected]
    # Other batches, so other roundings; the toy's weights are large.
    assert [row["score"] for row in found] == pytest.approx([row["score"] for row in expected], abs=2e-5)
    assert [row["document_id"] for row in rejected_rows(tmp_path / "out")] == ["long"]


# Going on


def test_a_shard_does_not_depend_on_what_ran_before(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(60), row_group=25)
    run_locally(source, tmp_path / "whole", model, window=8, num_beams=2)
    whole = contents(tmp_path / "whole")
    for number, shard in enumerate(shards(tmp_path / "whole")):
        if number % 3:
            shard.unlink()
    (tmp_path / "whole" / "linked" / ".00000-000000000008.parquet.1.tmp").write_bytes(b"half")
    reports, totals = run_locally(source, tmp_path / "whole", model, window=8, num_beams=2)
    assert len(reports) == 5
    assert contents(tmp_path / "whole") == whole
    assert totals.rows == 60


def test_a_finished_run_is_not_done_again(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    run_locally(source, tmp_path / "out", model, num_beams=2)
    before = [path.stat().st_mtime_ns for path in shards(tmp_path / "out")]
    reports, _ = run_locally(source, tmp_path / "out", model, num_beams=2)
    assert reports == []
    assert [path.stat().st_mtime_ns for path in shards(tmp_path / "out")] == before


def test_the_input_may_move_between_runs(tmp_path, model):
    write(tmp_path / "a" / "in.parquet", documents(10))
    run_locally(tmp_path / "a", tmp_path / "out", model, window=5, num_beams=2)
    shards(tmp_path / "out")[0].unlink()
    (tmp_path / "a").rename(tmp_path / "b")
    reports, _ = run_locally(tmp_path / "b", tmp_path / "out", model, window=5, num_beams=2)
    assert len(reports) == 1


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"window": 6}, "options.window was 5 and is 6"),
        ({"num_beams": 3}, "options.num_beams was 2 and is 3"),
        ({"threads": 2}, "options.threads was 1 and is 2"),
        ({"keep": ("year",)}, r"options.keep was \[\] and is \['year'\]"),
        ({"model": 1}, "model.weights was "),
        ({"rows": 11}, "inputs.in.parquet.bytes was "),
        ({"file": "other.parquet"}, "inputs.in.parquet was {.*} and is None"),
        ({"activation_function": "relu"}, "model.config.activation_function was 'gelu' and is 'relu'"),
    ],
    ids=str,
)
def test_a_run_goes_on_with_the_same_only_and_names_what_differs(tmp_path, model, change, difference):
    options = {"window": 5, "num_beams": 2}
    run_locally(write(tmp_path / "in.parquet", documents(10)), tmp_path / "out", model, **options)
    changed = dict(change)
    other = save_model(tmp_path / "model", changed.pop("model")) if "model" in changed else model
    if "activation_function" in changed:
        other = AngelForEntityLinking.from_pretrained(model)
        other.config.activation_function = changed.pop("activation_function")
    source = write(tmp_path / changed.pop("file", "in.parquet"), documents(changed.pop("rows", 10)))
    with pytest.raises(ValueError, match=f"holds the work of another run: {difference}"):
        run_locally(source, tmp_path / "out", other, **options | changed)


def test_a_restricted_model_is_another(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    whole = AngelForEntityLinking.from_pretrained(model)
    run_locally(source, tmp_path / "out", whole, num_beams=2)
    concept = next(whole.knowledge_base.concepts()).concept_id
    with pytest.raises(ValueError, match="another run: model.allowed_concepts was None and is '"):
        run_locally(source, tmp_path / "out", restricted(whole, below=[concept]), num_beams=2)


def test_a_run_that_was_stopped_before_its_first_shard_holds_nothing(tmp_path, model):
    """Such as one whose detector had a name that does not exist."""
    source = write(tmp_path / "in.parquet", documents(10))
    options = Options(num_beams=2, window=5)
    start(Job(str(source), str(tmp_path / "out"), options), partial(AngelForEntityLinking.from_pretrained, model))
    (tmp_path / "out" / f".{MANIFEST}.1.tmp").write_bytes(b"half")
    run_locally(source, tmp_path / "out", model, num_beams=2, window=6)
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["options"]["window"] == 6
    assert not list((tmp_path / "out").glob(".*"))


def test_a_folder_of_other_files_is_not_written_to(tmp_path, model):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years")
    with pytest.raises(ValueError, match="holds files, but no manifest.json of a run; name an empty or new folder"):
        run_locally(write(tmp_path / "in.parquet", documents(3)), tmp_path / "out", model)


@pytest.mark.parametrize("folder", ["linked", "rejected"])
def test_shards_without_a_manifest_are_no_part_of_a_new_run(tmp_path, model, folder):
    """Whose they are cannot be told any more: of other options or another model, perhaps."""
    (tmp_path / "out" / folder).mkdir(parents=True)
    shard = tmp_path / "out" / folder / "00000-000000000000.parquet"
    shard.write_bytes(b"of another run")
    with pytest.raises(ValueError, match="holds files, but no manifest.json of a run"):
        run_locally(write(tmp_path / "in.parquet", documents(3)), tmp_path / "out", model)
    assert contents(tmp_path / "out") == {f"{folder}/{shard.name}": b"of another run"}


def test_a_damaged_shard_is_found_at_the_end_and_made_again_once_it_is_removed(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    run_locally(source, tmp_path / "out", model, window=5, num_beams=2)
    shards(tmp_path / "out")[1].write_bytes(b"PAR1 no longer")
    with pytest.raises(ValueError, match="00000-000000000005.parquet: not a shard of a run .* remove it and run again"):
        run_locally(source, tmp_path / "out", model, window=5, num_beams=2)
    shards(tmp_path / "out")[1].unlink()
    assert run_locally(source, tmp_path / "out", model, window=5, num_beams=2)[1].rows == 10


def killed_after(count: int, output: Path, command: list[str]) -> int:
    """Run the command, kill it without warning once it has written some shards; returns how many there are then."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(shards(output)) < count:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.kill()
    assert process.returncode == -9
    return len(shards(output))


def test_after_kill_9_the_same_command_goes_on_without_a_lost_or_doubled_row(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(200))
    arguments = ["link", "--input", source, "--model", model, "--window", 2, "--num-beams", 2, "--device", "cpu"]
    arguments = [str(argument) for argument in arguments]
    angel = [sys.executable, "-m", "angel_hf.cli"]
    killed = killed_after(3, tmp_path / "out", [*angel, *arguments, "--output", str(tmp_path / "out")])
    assert 3 <= killed < 100
    resumed = run(*arguments, "--output", tmp_path / "out")
    assert resumed.exit_code == 0, resumed.stderr
    assert f"linked 400 mentions in 200 documents ({killed * 2} of the documents by an earlier run)" in resumed.stderr
    whole = run(*arguments, "--output", tmp_path / "whole")
    assert whole.stderr.endswith("linked 400 mentions in 200 documents\n")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_kill_9_again_and_again(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(600))
    arguments = ["link", "--input", str(source), "--model", str(model), "--window", "6", "--num-beams", "4"]
    command = [sys.executable, "-m", "angel_hf.cli", *arguments, "--output", str(tmp_path / "out")]
    there = 0
    for more in (1, 2, 5, 11):
        there = killed_after(there + more, tmp_path / "out", command)
        assert there < 100
    assert run(*arguments, "--output", tmp_path / "out").exit_code == 0
    run(*arguments, "--output", tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


# Memory

MEMORY = """
import sys
from pathlib import Path
import pyarrow
from tests.bulk_world import run_locally

pool = pyarrow.default_memory_pool()

def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

folder, model = Path(sys.argv[1]), Path(sys.argv[2])
run_locally(folder / "few.parquet", folder / "few", model, window=100, num_beams=2)
Path("/proc/self/clear_refs").write_text("5")  # the peak from now on
few, few_read = peak(), pool.max_memory()
run_locally(folder / "many.parquet", folder / "many", model, window=100, num_beams=2)
print(peak() - few, (pool.max_memory() - few_read) / 2**20)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak since a moment")
def test_memory_does_not_grow_with_the_input(tmp_path, model):
    """Four times as many documents, in one row group of 100 MB; both are more than what is read ahead."""
    import random

    for name, count in (("few", 2500), ("many", 10_000)):
        letters = random.Random(count)
        rows = [
            {"document_id": str(number), "text": f"ataxia {letters.randbytes(5000).hex()}", "spans": []}
            for number in range(count)
        ]
        rows[0]["spans"] = [{"start": 0, "end": 6}]
        table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=count, use_dictionary=False)
    assert (tmp_path / "many.parquet").stat().st_size > 90e6
    command = [sys.executable, "-c", MEMORY, str(tmp_path), str(model)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    resident, read = map(float, done.stdout.split())  # MB
    assert read < 2
    # What allocators keep of what was freed comes on top, and differs from run to run.
    assert resident < 50


def test_rows_that_are_skipped_are_not_held(tmp_path, monkeypatch):
    """Twenty batches are read; the last ten take no more memory than the first ten, but for a batch at most."""
    rows = [{"document_id": str(number), "text": f"{number} " * 1000, "spans": []} for number in range(5000)]
    source = write(tmp_path / "in.parquet", rows, row_group=5000)
    allocated = []
    batches = pyarrow.parquet.ParquetFile.iter_batches

    def watched(file, *arguments, **options):
        for batch in batches(file, *arguments, **options):
            allocated.append(pyarrow.total_allocated_bytes())
            yield batch

    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "iter_batches", watched)
    reader = RowReader(InputFiles.find(str(source)), ["text"])
    assert reader.read(Window(0, 4990, 10))["text"].to_pylist() == [row["text"] for row in rows[4990:]]
    assert len(allocated) == 20
    a_batch = 256 * 5000
    assert max(allocated[10:]) < max(allocated[:10]) + a_batch


# The program


def test_rejected_rows_are_told_counted_and_make_the_exit_code_1_on_every_run(tmp_path, model):
    rows = documents(30)
    for row in rows[5:30]:
        row["text"] = None
    write(tmp_path / "in.parquet", rows)
    command = ("link", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out", "--model", model)
    first = run(*command, "--num-beams", 2)
    assert first.exit_code == 1
    lines = first.stderr.splitlines()
    assert [line for line in lines if line.startswith("rejected in.parquet, row 5: text is null; expected a string")]
    assert len([line for line in lines if line.startswith("rejected ")]) == 20
    assert lines[-2] == "further causes are only in the shards of rejected rows"
    assert lines[-1] == f"linked 10 mentions in 5 documents; 25 rejected, written to {tmp_path}/out/rejected"
    again = run(*command, "--num-beams", 2)
    assert again.exit_code == 1
    assert "25 rejected" in again.stderr
    totals = json.loads((tmp_path / "out" / "totals.json").read_text())
    assert totals == {"rows": 30, "mentions": 10, "rejected": 25}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--input", "absent.parquet", "--output", "out"],
            "absent.parquet: no such file or folder; expected a Parquet",
        ),
        (["--input", "absent/*.parquet", "--output", "out"], "absent/*.parquet: no such file or folder"),
        (["--input", "text.parquet", "--output", "out"], "text.parquet: not a readable Parquet file"),
        (["--input", "in.parquet"], "in.parquet is linked into a folder of Parquet shards; name it with --output"),
        (
            ["--input", "in.parquet", "-o", "out", "--output-format", "jsonl"],
            "--output-format was given; --input in.parq",
        ),
        (["--input", "in.parquet", "-o", "out", "--workers", "2"], "--workers needs --engine ray"),
        (["--input", "in.parquet", "-o", "out", "--text-column", "body"], "has no column body, only document_id, text"),
        (["--input", "in.parquet", "-o", "out", "--text-column", "year"], "column year is int16; expected a string"),
        (["--input", "in.parquet", "-o", "out", "--spans-column", "year"], "column year is int16; expected a list of"),
        (["--input", "in.parquet", "-o", "out", "--spans-column", "no"], "or find the mentions with --detect"),
        (["--input", "in.parquet", "-o", "out", "--id-column", "text"], "a column is named twice among text, text"),
        (
            ["--input", "in.parquet", "-o", "out", "--keep", "journal"],
            "no column journal, only document_id, text, spans",
        ),
        (["--input", "folder", "-o", "folder/out"], "folder/out is inside the input"),
        (["--input", "folder/../folder/*/*.parquet", "-o", "folder"], "folder is inside the input"),
        (["--input", "**/*.parquet", "-o", "out"], "out is inside the input"),
        (["--input", "cut.parquet", "-o", "out"], "cut.parquet: not a readable Parquet file"),
        (
            ["--input", "in.parquet", "-o", "out", "--annotations", "keep"],
            "--annotations was given; --input in.parquet is Parquet",
        ),
        (["--input", "gopher://a/b.parquet", "-o", "out"], "gopher://a/b.parquet: "),
        (["[[ataxia]]", "--engine", "ray"], "--engine was given; expected Parquet with --input"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_model_is_loaded(tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("angel_hf.cli.bulk.load_linker", None)
    write(tmp_path / "in.parquet", documents(3))
    write(tmp_path / "folder" / "in.parquet", documents(3))
    (tmp_path / "text.parquet").write_text("a text")
    damaged = bytearray((tmp_path / "in.parquet").read_bytes())
    damaged[-40:-8] = b"\xff" * 32  # of the footer, whose end and length stay
    (tmp_path / "cut.parquet").write_bytes(damaged)
    result = run("link", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert not [*tmp_path.rglob("out")]


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    write(tmp_path / "in.parquet", documents(3))
    for name in [name for name in sys.modules if name.startswith("angel_hf.bulk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("link", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (2, "error: bulk linking needs: pip install 'angel-hf[parquet]'\n")


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
        run_locally(tmp_path / "in.parquet", tmp_path / "out", model, id_column="pmid", keep=(kept,))


def test_the_document_id_may_be_called_as_an_answer_is(tmp_path, model):
    table = pyarrow.Table.from_pylist(documents(3), schema=SCHEMA).rename_columns(["name", "text", "spans", "year"])
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    run_locally(tmp_path / "in.parquet", tmp_path / "out", model, id_column="name", num_beams=2)
    assert [row["document_id"] for row in linked_rows(tmp_path / "out")] == ["d1", "d2", "d2"]
