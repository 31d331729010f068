"""JSON lines through `angel link`: fields kept, bad lines told and written aside."""

from dataclasses import replace

import pytest

from angel_hf import Concept, KnowledgeBase
from tests.cli_stub import ATAXIA, NAMES, RECORD, jsonl, rows, run


def test_a_json_row_keeps_its_fields_and_gets_mentions(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD, {"text": "No mention.", "spans": []}), encoding="utf-8")
    result = run("link", "--input", "in.jsonl")
    assert result.exit_code == 0
    assert rows(result.stdout) == [
        {**RECORD, "mentions": [ATAXIA]},
        {"text": "No mention.", "spans": [], "mentions": []},
    ]
    assert '"note": "β"' in result.stdout
    assert result.stderr == "linked 1 mention in 2 documents\n"


def test_a_mention_without_an_answer_has_no_candidates(linker):
    (row,) = rows(run("link", stdin=jsonl({"text": "family", "spans": [[0, 6]]})).stdout)
    assert row["mentions"] == [{"start": 0, "end": 6, "text": "family", "candidates": []}]


def test_scores_have_six_decimals_and_no_negative_zero(linker):
    (row,) = rows(run("link", "[[A-T]] [[Ataxia-telangiectasia]]").stdout)
    assert [str(mention["candidates"][0]["score"]) for mention in row["mentions"]] == ["-0.123457", "0.0"]


BAD_LINES = [
    ("{", "not JSON (Expecting property name"),
    ("[" * 100_000, "nested too deeply"),
    ('{"text": NaN, "spans": []}', "not JSON (NaN is no JSON number)"),
    ("[1]", "a JSON list; expected {"),
    ('{"spans": []}', "no 'text' among the keys 'spans'; expected {"),
    ('{"text": "a"}', "no 'spans' among the keys 'text'; expected {"),
    ('{"text": 1, "spans": []}', "text is 1; expected a string"),
    ('{"text": "\\ud800", "spans": []}', "text is '\\ud800'; expected a string of whole characters"),
    ('{"text": "a", "spans": {}}', "spans is {}; expected [[start, end], ...]"),
    ('{"text": "a", "spans": [[0, 1], [0]]}', "span 2 is [0]; expected [start, end], two whole numbers"),
    ('{"text": "a", "spans": [[0, true]]}', "span 1 is [0, True]; expected [start, end], two whole numbers"),
    ('{"text": "a", "spans": [[0, 1.0]]}', "span 1 is [0, 1.0]; expected [start, end], two whole numbers"),
    ('{"text": "a", "spans": [[0, 2]]}', "span 1: mention span 0:2 does not fit its text of 1 characters"),
    ('{"text": "a", "spans": [[-1, 1]]}', "span 1: mention span -1:1 does not fit"),
    ('{"text": "a", "spans": [[1, 1]]}', "span 1: mention span 1:1 does not fit"),
    ('{"text": "a b", "spans": [[1, 2]]}', "span 1: mention span 1:2 holds only white space"),
    ('{"text": "unlinkable", "spans": [[0, 10]]}', "document 3: the mention is longer than the decoder can be given"),
    (b'{"text": "M\xfcller", "spans": []}', "not UTF-8: byte 0xfc at place 12 of the line"),
]


@pytest.mark.parametrize(("bad", "cause"), BAD_LINES, ids=[cause for _, cause in BAD_LINES])
def test_a_bad_line_is_told_and_written_aside_and_the_rest_is_linked(linker, tmp_path, bad, cause):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    good = jsonl(RECORD).encode()
    (tmp_path / "in.jsonl").write_bytes(good + b"\n" + bad + b"\n" + good)
    result = run("link", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.exit_code == 1
    assert [row["id"] for row in rows((tmp_path / "out.jsonl").read_text())] == [7, 7]
    (aside,) = rows((tmp_path / "out.jsonl.rejected.jsonl").read_text())
    assert aside["line"] == 3
    assert aside["cause"].startswith(cause)
    assert aside["record"] == bad.decode(errors="backslashreplace")
    told = result.stderr.splitlines()
    assert told[0].startswith(f"rejected in.jsonl:3: {cause}")
    assert told[-1] == "linked 2 mentions in 2 documents; 1 rejected, written to out.jsonl.rejected.jsonl"


def test_half_a_surrogate_pair_in_another_field_stays_escaped(linker):
    result = run("link", stdin='{"id": "\\ud800", "text": "ataxia", "spans": []}\n')
    assert (result.exit_code, rows(result.stdout)[0]["id"]) == (0, "\ud800")


def test_only_the_first_causes_are_told_and_all_are_written(linker, tmp_path):
    result = run("link", stdin="{}\n" * 50)
    assert result.exit_code == 2
    told = result.stderr.splitlines()
    assert len(told) == 22
    assert told[0].startswith("rejected standard input:1: no 'text'")
    assert told[-1] == "error: none of 50 documents could be used; see stdin.rejected.jsonl"
    assert len(rows((tmp_path / "stdin.rejected.jsonl").read_text())) == 50


def test_an_abbreviation_that_the_text_defines_is_written_out(linker):
    text = "Ataxia-telangiectasia (A-T). An A-T family."
    record = {"text": text, "spans": [[0, 21], [32, 35]]}
    found = rows(run("link", stdin=jsonl(record)).stdout)[0]["mentions"]
    assert [(one["text"], one.get("read_as")) for one in found] == [
        ("Ataxia-telangiectasia", None),
        ("A-T", "Ataxia-telangiectasia"),
    ]
    assert [(one["start"], one["end"]) for one in found] == [(0, 21), (32, 35)]
    assert [one["candidates"][0]["name"] for one in found] == ["Ataxia Telangiectasia"] * 2
    as_written = rows(run("link", "--as-written", stdin=jsonl(record)).stdout)[0]["mentions"][1]
    assert "read_as" not in as_written and as_written["candidates"][0]["name"] == "A-T"
    assert "A-T = Ataxia-telangiectasia" in run("link", "--output-format", "table", stdin=jsonl(record)).stdout


def test_a_candidate_has_the_other_identifiers_of_its_concepts_where_there_are_some(linker):
    linker.knowledge_base = KnowledgeBase.from_concepts(
        [Concept("D001259", ("Ataxia",), ("OMIM:1",), cross_references=("MONDO:437",)), Concept("C2", ("x",))]
    )
    first, second = rows(run("link", "Slow [[ataxia]].").stdout)[0]["mentions"][0]["candidates"]
    assert first["mapped_ids"] == second["mapped_ids"] == ["OMIM:1", "MONDO:437"]
    absent = rows(run("link", "[[Ataxia-telangiectasia]].").stdout)[0]["mentions"][0]["candidates"]
    assert absent and all("mapped_ids" not in candidate for candidate in absent)


def test_the_first_candidate_says_which_stage_put_it_there(linker, monkeypatch):
    """And what was written is read again, for its mentions: a reason of before stays with its answer."""
    first, second = NAMES["ataxia"]
    monkeypatch.setitem(NAMES, "ataxia", (replace(first, because="memory"), second))
    written = run("link", "Slow [[ataxia]].").stdout
    assert [one.get("because") for one in rows(written)[0]["mentions"][0]["candidates"]] == ["memory", None]
    monkeypatch.setitem(NAMES, "ataxia", (second, first))
    assert rows(run("link", stdin=written).stdout)[0]["mentions"][0]["candidates"] == ATAXIA["candidates"][::-1]


def test_utf_16_units_taken_for_characters_are_told(linker):
    """A mention behind an emoji would lose its first letter, silently; where words are cut in both readings, or the
    surface is given and right, the offsets are what they say.
    """
    text = "😀 Wilson disease."
    records = [
        {"text": text, "spans": [[3, 17]]},
        {"text": text, "spans": [[2, 16]]},
        {"text": text, "spans": [[3, 16]], "note": "a part of a word"},
        {"text": text, "mentions": [{"start": 3, "end": 17, "text": "ilson disease."}]},
    ]
    result = run("link", stdin=jsonl(*records))
    assert [row["mentions"][0]["text"] for row in rows(result.stdout)] == [
        "Wilson disease",
        "ilson disease",
        "ilson disease.",
    ]
    assert (
        "rejected standard input:1: span [3, 17] cuts a word, 'ilson disease.'; as UTF-16 units it is 'Wilson disease'"
        in (result.stderr)
    )
    assert result.exit_code == 1
    result = run("link", "--offsets", "utf-16", stdin=jsonl(records[0]))
    assert [row["mentions"][0]["text"] for row in rows(result.stdout)] == ["Wilson disease"]
