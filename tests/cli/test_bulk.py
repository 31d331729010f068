"""`angel bulk`: what it reports, and what it refuses before anything is done."""

import json
import sys

import pytest

from tests.bulk_world import documents, save_model, write
from tests.cli_stub import run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def test_rejected_rows_are_told_counted_and_make_the_exit_code_1_on_every_run(tmp_path, model):
    rows = documents(30)
    for row in rows[5:30]:
        row["text"] = None
    write(tmp_path / "in.parquet", rows)
    command = ("bulk", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out", "--model", model)
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
        (["--input", "gopher://a/b.parquet", "-o", "out"], "gopher://a/b.parquet: "),
        (["--input", "in.parquet", "-o", "out", "--top-k", "11"], "--top-k 11 with --num-beams 10; expected at least"),
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
    result = run("bulk", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert not [*tmp_path.rglob("out")]


@pytest.mark.parametrize(
    ("given", "batch_size"), [([], 32), (["--threads", "3"], 96), (["--threads", "3", "--batch-size", "8"], 8)]
)
def test_each_thread_has_a_batch_of_its_own_unless_told_otherwise(monkeypatch, given, batch_size):
    asked = []
    monkeypatch.setattr("angel_hf.cli.bulk.link_parquet", lambda job, *rest: asked.append(job.options) or 0)
    assert run("bulk", "--input", "in.parquet", "--output", "out", *given).exit_code == 0
    assert [options.batch_size for options in asked] == [batch_size]


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    write(tmp_path / "in.parquet", documents(3))
    for name in [name for name in sys.modules if name.startswith("angel_hf.bulk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("bulk", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (2, "error: bulk linking needs: pip install 'angel-hf[parquet]'\n")


@pytest.mark.parametrize("missing", ["--input", "--output"])
def test_without_input_or_output_it_is_a_wrong_use(missing):
    given = {"--input": "in.parquet", "--output": "out"}
    del given[missing]
    result = run("bulk", *next(iter(given.items())))
    assert result.exit_code == 2
    assert f"Missing option '{missing}'" in result.stderr


@pytest.mark.parametrize("source", ["in.parquet", "folder", "folder/*.parquet", "s3://bucket/folder"])
@pytest.mark.parametrize("command", ["link", "annotate"])
def test_the_commands_for_records_and_texts_refuse_parquet_and_name_the_one_for_it(
    tmp_path, monkeypatch, command, source
):
    monkeypatch.chdir(tmp_path)
    for name in ("link", "annotate"):
        monkeypatch.setattr(f"angel_hf.cli.{name}.load_linker", None)
    write(tmp_path / "in.parquet", documents(3))
    write(tmp_path / "folder" / "in.parquet", documents(3))
    result = run(command, "--input", source)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: --input {source}: Parquet files, folders of them, patterns and URIs are for angel ")
    assert line.endswith(f"expected angel bulk --input {source} --output FOLDER")


@pytest.mark.parametrize("option", ["--input-format", "--rejected", "--annotations", "--mention", "--engine"])
def test_link_and_bulk_know_their_own_options_only(option):
    command = "link" if option == "--engine" else "bulk"
    result = run(command, option, "x")
    assert result.exit_code == 2
    assert f"No such option: {option}" in result.stderr
