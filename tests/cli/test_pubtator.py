"""PubTator through `angel link`: identifiers replaced or kept, bad documents rejected whole."""

import pytest

from tests.cli_stub import DOCUMENT, RECORD, jsonl, rows, run


def test_pubtator_ids_are_replaced_by_the_first_answers_concepts(linker, tmp_path):
    (tmp_path / "in.pubtator").write_text(DOCUMENT + "\n" + DOCUMENT, encoding="utf-8")
    result = run("link", "--input", "in.pubtator", "--output-format", "pubtator")
    linked = (
        "12|t|Ataxia-telangiectasia.\n"
        "12|a|An A-T family.\n"
        "12\t0\t21\tAtaxia-telangiectasia\tDisease\tD001260\n"
        "12\t26\t29\tA-T\tModifier\tD001260|OMIM:208900\n"
        "12\t30\t36\tfamily\tGroup\t-1\n"
        "12\tCID\tD3\tD4\n"
        "\n"
    )
    assert (result.exit_code, result.stdout) == (0, linked * 2)


def test_pubtator_ids_can_be_kept_beside_the_answers_and_a_second_run_changes_nothing(linker, tmp_path):
    (tmp_path / "in.pubtator").write_text(DOCUMENT, encoding="utf-8")
    arguments = ("--output-format", "pubtator", "--annotations", "keep")
    first = run("link", "--input", "in.pubtator", *arguments)
    assert first.stdout.splitlines()[2:] == [
        "12\t0\t21\tAtaxia-telangiectasia\tDisease\tD000000",
        "12\t0\t21\tAtaxia-telangiectasia\tDisease:linked\tD001260",
        "12\t26\t29\tA-T\tModifier\tD1|D2\tA|T",
        "12\t26\t29\tA-T\tModifier:linked\tD001260|OMIM:208900",
        "12\t30\t36\tfamily\tGroup",
        "12\t30\t36\tfamily\tGroup:linked\t-1",
        "12\tCID\tD3\tD4",
        "",
    ]
    second = run("link", *arguments, stdin=first.stdout)
    assert (second.exit_code, second.stdout) == (0, first.stdout)


def test_pubtator_becomes_json_lines_with_type_and_identifier(linker):
    (row,) = rows(run("link", stdin=DOCUMENT).stdout)
    assert (row["id"], row["text"]) == ("12", "Ataxia-telangiectasia. An A-T family.")
    assert [(mention["type"], mention["identifier"]) for mention in row["mentions"]] == [
        ("Disease", "D000000"),
        ("Modifier", "D1|D2"),
        ("Group", None),
    ]
    assert row["mentions"][1]["candidates"][0]["concept_ids"] == ["D001260", "OMIM:208900"]


BAD_DOCUMENTS = [
    (b"13|t|Title\n\n", 8, "document 13 ends after its title; expected `13|a|`"),
    (b"13|t|Title\n13|a|Text\n13\t0\t9\tTitle\tDisease\n\n", 10, "the text at 0:9 is 'Title Tex'"),
    (b"13|t|Title\n13|a|Text\n13\t0\t99\tTitle\tDisease\n\n", 10, "span 0:99 does not fit the text of 10 characters"),
    (b"13|t|Title\n13|a|Text\n14\t0\t5\tTitle\tDisease\n\n", 10, "the line belongs to '14'; expected document '13'"),
    (b"13|t|T\xfctle\n13|a|Text\n13\t0\t5\tT\xfctle\tDisease\n\n", 8, "not UTF-8: byte 0xfc at place 7 of the line"),
    (b"13|t|Title\n13|a|T\xfct\n\n", 9, "not UTF-8: byte 0xfc at place 7 of the line"),
    (b"13|t|unlinkable\n13|a|\n13\t0\t10\tunlinkable\tDisease\n\n", 8, "the mention is longer than the decoder"),
]


@pytest.mark.parametrize(("bad", "line", "cause"), BAD_DOCUMENTS, ids=[cause for *_, cause in BAD_DOCUMENTS])
def test_a_bad_document_is_rejected_whole_and_the_others_are_linked(linker, tmp_path, bad, line, cause):
    good = DOCUMENT.encode() + b"\n"
    (tmp_path / "in.txt").write_bytes(good + bad + good)
    result = run("link", "--input", "in.txt")
    assert result.exit_code == 1
    assert [row["id"] for row in rows(result.stdout)] == ["12", "12"]
    (aside,) = rows((tmp_path / "in.txt.rejected.jsonl").read_text())
    assert aside["line"] == line
    assert aside["cause"].startswith(cause)
    assert aside["record"].rstrip("\n") == bad.decode(errors="backslashreplace").rstrip("\n")


def test_json_input_cannot_become_pubtator(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    result = run("link", "--input", "in.jsonl", "--output-format", "pubtator")
    assert result.exit_code == 2
    assert result.stderr == "error: --output-format pubtator needs PubTator input; in.jsonl is jsonl\n"


def test_the_ending_of_the_output_tells_its_format(linker, tmp_path):
    (tmp_path / "in.pubtator").write_text(DOCUMENT, encoding="utf-8")
    for name, options in (("named.pubtator", ()), ("asked.txt", ("--output-format", "pubtator"))):
        assert run("link", "--input", "in.pubtator", "--output", name, *options).exit_code == 0
    named, asked = ((tmp_path / name).read_text(encoding="utf-8") for name in ("named.pubtator", "asked.txt"))
    assert named == asked and named.startswith("12|t|")
    assert run("link", "--input", "in.pubtator", "--output", "in.pubtator.jsonl").exit_code == 0
    assert rows((tmp_path / "in.pubtator.jsonl").read_text(encoding="utf-8"))[0]["id"] == "12"
    refused = run("link", "--output", "other.pubtator", stdin='{"text": "ataxia", "spans": [[0, 6]]}\n')
    assert refused.exit_code == 2 and "needs PubTator input" in refused.output
