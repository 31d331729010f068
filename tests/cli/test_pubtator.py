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
    (b"13|a|Text\n\n", 8, "expected a title line `id|t|title`"),
    (b"13|t|T\xfctle\n13|a|Text\n13\t0\t5\tT\xfctle\tDisease\n\n", 8, "not UTF-8: byte 0xfc at place 7 of the line"),
    (b"13|t|Title\n13|a|T\xfct\n\n", 9, "not UTF-8: byte 0xfc at place 7 of the line"),
    (b"13|t|unlinkable\n13|a|\n13\t0\t10\tunlinkable\tDisease\n\n", 8, "document 13: the mention is longer than the"),
]


@pytest.mark.parametrize(("bad", "line", "cause"), BAD_DOCUMENTS, ids=[cause for *_, cause in BAD_DOCUMENTS])
def test_a_bad_document_is_rejected_whole_and_the_others_are_linked(linker, tmp_path, bad, line, cause):
    good = DOCUMENT.encode() + b"\n"
    (tmp_path / "in.txt").write_bytes(good + bad + good)
    result = run("link", "--input", "in.txt")
    assert result.exit_code == 1
    assert [row["id"] for row in rows(result.stdout)] == ["12", "12"]
    (aside,) = rows((tmp_path / "in.txt.rejected.jsonl").read_text())
    assert (aside["source"], aside["line"]) == ("in.txt", line)
    assert aside["cause"].startswith(cause)
    assert aside["record"].rstrip("\n") == bad.decode(errors="backslashreplace").rstrip("\n")


BAD_ANNOTATIONS = [
    ("13\t0\t6\tText\tDisease", "the text at 0:6 is 'Title '; expected the annotated 'Text', which stands at 6"),
    ("13\t0\t99\tTitle\tDisease", "span 0:99 does not fit the text of 10 characters"),
    ("13\t5\t6\t \tDisease", "mention span 5:6 holds only white space"),
    ("14\t0\t5\tTitle\tDisease", "the line belongs to '14'; expected document '13'"),
    ("13\t0\tfive\tTitle\tDisease", "end offset 'five'; expected a number of characters"),
    ("13\tbroken", "2 tab-separated fields; expected"),
]


@pytest.mark.parametrize(("bad", "cause"), BAD_ANNOTATIONS, ids=[cause for _, cause in BAD_ANNOTATIONS])
def test_a_bad_annotation_costs_that_annotation(linker, tmp_path, bad, cause):
    document = f"13|t|Title\n13|a|Text\n{bad}\n13\t6\t10\tText\tDisease\n"
    (tmp_path / "in.pubtator").write_text(document)
    result = run("link", "--input", "in.pubtator")
    assert result.exit_code == 1
    (row,) = rows(result.stdout)
    assert [mention["text"] for mention in row["mentions"]] == ["Text"]
    (aside,) = rows((tmp_path / "in.pubtator.rejected.jsonl").read_text())
    assert (aside["line"], aside["record"]) == (3, bad)
    assert aside["cause"].startswith(f"annotation of document 13 left out: {cause}")


def test_a_normalised_surface_is_the_texts_own(linker):
    document = "13|t|TNF-α and ataxia\n13\t0\t5\tTNF-a\tGene\n13\t10\t16\tataxia\tDisease\n"
    result = run("link", "--output-format", "pubtator", stdin=document)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2:4] == ["13\t0\t5\tTNF-α\tGene\t-1", "13\t10\t16\tataxia\tDisease\tD001259"]


def test_any_input_with_mentions_becomes_pubtator(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    result = run("link", "--input", "in.jsonl", "--output-format", "pubtator")
    assert (result.exit_code, result.stdout) == (0, "7|t|Slow ataxia.\n7|a|\n7\t5\t11\tataxia\t\tD001259\n\n")


@pytest.mark.parametrize("name", ["named.pubtator", "named.PubTator"])
def test_the_ending_of_the_output_says_its_format(linker, tmp_path, name):
    (tmp_path / "in.PubTator").write_text(DOCUMENT, encoding="utf-8")
    for output, options in ((name, ()), ("asked.txt", ("--output-format", "pubtator"))):
        assert run("link", "--input", "in.PubTator", "--output", output, *options).exit_code == 0
    named, asked = ((tmp_path / one).read_text(encoding="utf-8") for one in (name, "asked.txt"))
    assert named == asked and named.startswith("12|t|")
    assert run("link", "--input", "in.PubTator", "--output", "in.pubtator.jsonl").exit_code == 0
    assert rows((tmp_path / "in.pubtator.jsonl").read_text(encoding="utf-8"))[0]["id"] == "12"
