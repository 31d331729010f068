"""Sentences given to `angel link`, their mentions marked or named."""

import pytest

from tests.cli_stub import ATAXIA, RECORD, jsonl, rows, run


def test_a_marked_sentence_is_linked_without_its_marks(linker):
    result = run("link", "Slow [[ataxia]].")
    assert (result.exit_code, result.stderr) == (0, "")
    assert rows(result.stdout) == [{"text": "Slow ataxia.", "mentions": [ATAXIA]}]
    assert linker.calls == [(1, 5, 10, 32)]


def test_several_mentions_of_a_sentence_keep_their_offsets(linker):
    (row,) = rows(run("link", "[[ataxia]], β and [[A-T]][[ataxia]]").stdout)
    assert row["text"] == "ataxia, β and A-Tataxia"
    assert [row["text"][mention["start"] : mention["end"]] for mention in row["mentions"]] == [
        "ataxia",
        "A-T",
        "ataxia",
    ]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("Slow ataxia.", "no mention is marked in 'Slow ataxia.'; expected [[ and ]] around each"),
        ("Slow [[ataxia.", "the marks in 'Slow [[ataxia.' do not pair up"),
        ("Slow ataxia]].", "the marks in 'Slow ataxia]].' do not pair up"),
        ("[[Slow [[ataxia]]", "the marks in '[[Slow [[ataxia]]' do not pair up"),
        ("Slow [[ ]].", "an empty mention in 'Slow [[ ]].'"),
        ("", "no mention is marked in ''"),
        ("a [[at\udcffaxia]]", "the sentence is 'a [[at\\udcffaxia]]'; expected UTF-8 text"),
    ],
)
def test_a_sentence_with_wrong_marks_is_refused(linker, sentence, message):
    result = run("link", sentence)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")


def test_a_file_given_as_a_sentence_gets_a_hint(linker, tmp_path):
    (tmp_path / "in.jsonl").write_text(jsonl(RECORD))
    result = run("link", "in.jsonl")
    assert result.exit_code == 2
    assert "'in.jsonl' is a file here and no text; to read it, put --input before it" in result.stderr


def test_named_mentions_are_found_as_whole_words_and_repeats_further_on(linker):
    text = "ataxias, A-T, ataxia; ataxia"
    (row,) = rows(run("link", text, "--mention", "ataxia", "--mention", "A-T", "--mention", "ataxia").stdout)
    assert [(mention["start"], mention["end"]) for mention in row["mentions"]] == [(14, 20), (9, 12), (22, 28)]


@pytest.mark.parametrize(
    ("mentions", "message"),
    [
        (["atax"], "the mention 'atax' is not in 'one ataxia' as a whole word"),
        (["ataxia", "ataxia"], "the mention 'ataxia' is only 1 times in 'one ataxia' as a whole word"),
        ([""], "the mention '' is not in"),
    ],
)
def test_a_named_mention_that_is_absent_is_refused(linker, mentions, message):
    result = run("link", "one ataxia", *[part for mention in mentions for part in ("--mention", mention)])
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_sentence_that_the_model_cannot_link_is_an_error_and_writes_nothing(linker, tmp_path):
    result = run("link", "Slow [[unlinkable]].")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: the mention is longer than the decoder can be given\n"
    assert list(tmp_path.iterdir()) == []
