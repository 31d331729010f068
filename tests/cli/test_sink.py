"""What `angel link` writes: whole files, rejected records, pieces of an endless input."""

import os
from pathlib import Path

from angel_hf.cli.document_linker import DocumentLinker
from angel_hf.cli.search_flags import build_search
from angel_hf.formats.marked_sentences import sentence_document
from angel_hf.text.reading import parse_marked
from tests.cli_stub import ATAXIA, RECORD, jsonl, rows, run


def test_an_output_file_appears_whole_or_not_at_all(linker, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    out.write_text("before")

    def interrupted(mentions, **options):
        assert out.read_text() == "before"
        raise KeyboardInterrupt

    good_link = linker.link
    monkeypatch.setattr(linker, "link", interrupted)
    assert run("link", "[[ataxia]]", "--output", out).exit_code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert out.read_text() == "before"
    monkeypatch.setattr(linker, "link", good_link)
    assert run("link", "[[ataxia]]", "--output", out).exit_code == 0
    assert rows(out.read_text())[0]["text"] == "ataxia"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert out.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_to_a_file_stays_a_link(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    (tmp_path / "out.jsonl").symlink_to("elsewhere.jsonl")
    assert run("link", "--input", "in.jsonl", "--output", "out.jsonl").exit_code == 0
    assert (tmp_path / "out.jsonl").is_symlink()
    assert rows((tmp_path / "elsewhere.jsonl").read_text()) == [{**RECORD, "mentions": [ATAXIA]}]


def test_the_input_is_not_replaced_by_the_output_under_any_name(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    (tmp_path / "soft.jsonl").symlink_to("in.jsonl")
    (tmp_path / "hard.jsonl").hardlink_to(tmp_path / "in.jsonl")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in.jsonl").write_text(jsonl(RECORD))
    for source, output in (
        ("in.jsonl", "./in.jsonl"),
        ("in.jsonl", "soft.jsonl"),
        ("in.jsonl", "hard.jsonl"),
        ("folder", "folder/in.jsonl"),
    ):
        result = run("link", "--input", source, "--output", output)
        assert result.exit_code == 2 and "is the input, which would be replaced" in result.stderr
    assert rows((tmp_path / "in.jsonl").read_text()) == [RECORD]


def test_a_device_is_written_to_and_not_replaced(linker):
    assert run("link", "[[ataxia]]", "--output", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_rejected_records_go_where_the_option_says_and_only_when_there_are_some(linker, tmp_path):
    arguments = ("link", "--rejected", "aside.jsonl")
    assert run(*arguments, stdin=jsonl(RECORD)).exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert run(*arguments, stdin="{}\n" + jsonl(RECORD)).exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["aside.jsonl"]


def test_a_clean_run_removes_the_rejected_records_of_an_earlier_one(linker, tmp_path):
    arguments = ("link", "--input", "in.jsonl", "--output", "out.jsonl")
    (tmp_path / "in.jsonl").write_text("{}\n" + jsonl(RECORD))
    assert run(*arguments).exit_code == 1
    assert (tmp_path / "out.jsonl.rejected.jsonl").exists()
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    assert run(*arguments).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_rejected_records_stay_where_no_records_were_linked_to_their_end(linker, tmp_path, monkeypatch):
    """A sentence has no file of them, and a run that fails is none."""
    aside = tmp_path / "stdin.rejected.jsonl"
    aside.write_text("of an earlier run")
    assert run("link", "[[ataxia]]").exit_code == 0
    monkeypatch.setattr(linker, "link", lambda mentions, **options: 1 / 0)
    assert run("link", stdin=jsonl(RECORD)).exit_code == 1
    assert aside.read_text() == "of an earlier run"
    assert run("link", "--rejected", "/dev/null", stdin="").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_rejected_records_do_not_replace_the_input(linker, tmp_path):
    (tmp_path / "out.rejected.jsonl").write_text(jsonl(RECORD))
    result = run("link", "--input", "out.rejected.jsonl", "--output", "out")
    assert (result.exit_code, (tmp_path / "out.rejected.jsonl").read_text()) == (2, jsonl(RECORD))
    assert "out.rejected.jsonl is the input, which would be replaced" in result.stderr


def test_one_record_that_cannot_be_linked_is_found_by_halving(linker):
    bad = {"text": "unlinkable", "spans": [[0, 10]]}
    many = [{**RECORD, "id": number} for number in range(256)]
    result = run("link", stdin=jsonl(*many[:100], bad, *many[101:]))
    assert [row["id"] for row in rows(result.stdout)] == [*range(100), *range(101, 256)]
    assert "rejected standard input:101: document 101: the mention is longer" in result.stderr
    assert len(linker.calls) == 1 + 2 * 8


def test_a_large_input_is_linked_in_pieces_in_its_order(linker):
    many = jsonl(*({**RECORD, "id": number} for number in range(1000)))
    result = run("link", "--batch-size", "10", "--top-k", "1", "--num-beams", "2", stdin=many)
    assert [row["id"] for row in rows(result.stdout)] == list(range(1000))
    assert linker.calls == [(80, 1, 2, 10)] * 12 + [(40, 1, 2, 10)]


def test_results_come_before_all_of_the_input_was_read(linker):
    """A producer that waits for the first answers gets them: memory does not grow with the input."""
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield sentence_document(parse_marked("[[ataxia]]"), line=read)

    results = DocumentLinker(linker, build_search(1, 1), batch_size=4).link(endless())
    assert [next(results).document.line for _ in range(33)] == list(range(1, 34))
    assert read == 64
