"""What `angel link` reads from, the format it takes it for, and what it refuses."""

import gzip

import pytest
from typer.testing import CliRunner

from angel_hf.cli import app
from tests.cli_stub import DOCUMENT, RECORD, jsonl, rows, run


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (jsonl(RECORD), 1),
        ("\n\n  " + jsonl(RECORD), 1),
        ("\ufeff" + jsonl(RECORD), 1),
        (DOCUMENT, 3),
        ("Slow [[ataxia]].\n\n[[A-T]]\n", 1),
        (jsonl(RECORD).replace("\n", "\r\n"), 1),
        ("", None),
        ("\n \n", None),
    ],
    ids=["jsonl", "jsonl-late", "jsonl-bom", "pubtator", "text", "jsonl-crlf", "empty", "blank"],
)
@pytest.mark.parametrize("way", ["stdin", "dash", "file", "gzip"])
def test_the_format_is_recognised_wherever_the_lines_come_from(linker, tmp_path, content, count, way):
    data = content.encode()
    if way in ("stdin", "dash"):
        result = CliRunner().invoke(app, ["link", *(["--input", "-"] if way == "dash" else [])], input=data)
    else:
        path = tmp_path / ("in.gz" if way == "gzip" else "in.any")
        path.write_bytes(gzip.compress(data) if way == "gzip" else data)
        result = run("link", "--input", path)
    assert result.exit_code == 0, result.output
    found = rows(result.stdout)
    assert (len(found[0]["mentions"]) if found else None) == count


def test_a_format_that_cannot_be_told_is_refused_and_can_be_named(linker, tmp_path):
    (tmp_path / "in.any").write_text("a\tb\n[[ataxia]]\n")
    result = run("link", "--input", "in.any")
    assert result.exit_code == 2
    assert "in.any: cannot tell the format from its first line 'a\\tb'; expected" in result.stderr
    assert run("link", "--input", "in.any", "--input-format", "marked").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "absent.jsonl"], "absent.jsonl: no such file or folder"),
        (["--input", "empty"], "empty: holds no file that ends in .jsonl"),
        (["--input", "fake.jsonl.gz"], "fake.jsonl.gz: not a whole gzip file (Not a gzipped file"),
        (["[[ataxia]]", "--input", "in.jsonl"], "--input would go unheard with a sentence"),
        (["--mention", "ataxia"], "--mention was given without a sentence"),
        (["[[ataxia]]", "--top-k", "20"], "--top-k 20 with --num-beams 10; expected at least as many beams as names"),
        (["[[ataxia]]", "--output", "absent/out"], "absent/out: the folder absent does not exist; make it first"),
        (["[[ataxia]]", "--output", "."], ".: is a folder; expected the name of a file to write"),
        (["[[ataxia]]", "--rejected", "a"], "--rejected would go unheard with a sentence"),
        (["[[ataxia]]", "--input-format", "jsonl"], "--input-format would go unheard with a sentence"),
        (
            ["--input", "in.jsonl", "--output", "a", "--rejected", "./a"],
            "--output and --rejected both name a",
        ),
        (
            ["--input", "in.jsonl", "--output", "in.jsonl"],
            "in.jsonl is the input, which would be replaced",
        ),
        (["--input", "in.jsonl", "--rejected", "in.jsonl"], "in.jsonl is the input, which would be replaced; name"),
        (["--input", "in.jsonl", "--annotations", "keep"], "--annotations keep is for PubTator output"),
        (["--input", "in.jsonl", "--output", "a.html"], "a.html: angel link does not write html; expected jsonl"),
        (["--input", "in.jsonl", "--rejected", "absent/r"], "absent/r: the folder absent does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(linker, tmp_path, arguments, message):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    (tmp_path / "empty").mkdir()
    (tmp_path / "fake.jsonl.gz").write_bytes(b"plain")
    result = run("link", *arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"error: {message}")
    assert "Traceback" not in result.output


def test_of_a_file_that_is_cut_short_the_rest_is_rejected(linker, tmp_path):
    # Not compressible, so that the cut falls into the data.
    lines = jsonl(*({**RECORD, "id": f"{number * 0x9E3779B97F4A7C15:x}"} for number in range(2000)))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-2000])
    result = run("link", "--input", "cut.jsonl.gz", "--output", "out.jsonl")
    assert result.exit_code == 1
    linked = rows((tmp_path / "out.jsonl").read_text())
    assert 1000 < len(linked) < 2000
    assert [row["id"] for row in linked] == [row["id"] for row in rows(lines)[: len(linked)]]
    (aside,) = rows((tmp_path / "out.jsonl.rejected.jsonl").read_text())
    assert aside["cause"].startswith("not a whole gzip file (Compressed file ended")


@pytest.mark.parametrize("arguments", [["--top-k", "0"], ["--top-k", "x"], ["--input-format", "xml"], ["--unknown"]])
def test_a_wrong_option_is_exit_code_2(linker, arguments):
    assert run("link", "[[ataxia]]", *arguments).exit_code == 2
