"""What `angel annotate` reads and refuses: one bad record costs one record, standard input is read as a file is."""

import json

import pytest

from tests.cli.test_annotate import BIOC, PUBTATOR, SURFACES, TEXT, annotate, loaded, model
from tests.cli_stub import rows

__all__ = ["annotate", "loaded", "model"]

ENDINGS = {"b.PubTator": "12|t|", "b.xml": "<?xml", "b.html": "<!DOCTYPE", "b": "{"}


def test_an_id_of_half_a_character_does_not_cost_the_document(annotate, tmp_path):
    (tmp_path / "id.jsonl").write_bytes(b'{"id": "\\ud800", "text": "anemia"}')
    result = annotate("--input", tmp_path / "id.jsonl", "--output-format", "pubtator")
    assert result.exit_code == 0
    assert result.stdout.startswith("\\ud800|t|anemia\n")


def test_one_bad_record_costs_one_record(annotate, tmp_path):
    texts = ["anemia", None, "Wilson disease"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(texts)))
    result = annotate("--input", tmp_path / "a.jsonl", "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert [row["id"] for row in rows((tmp_path / "out.jsonl").read_text())] == ["0", "2"]
    assert f"rejected {tmp_path / 'a.jsonl'}:2: text is None; expected a string" in result.stderr
    assert "annotated 2 mentions in 2 documents; 1 rejected, written to " in result.stderr


def test_faults_of_given_annotations_do_not_matter(annotate, tmp_path):
    (tmp_path / "a.pubtator").write_text(PUBTATOR + "12\t0\t999\tx\tDisease\n12\tbroken\n\n13|t|anemia\n")
    result = annotate("--input", tmp_path / "a.pubtator")
    assert result.exit_code == 0
    assert [len(row["mentions"]) for row in rows(result.stdout)] == [6, 1]


@pytest.mark.parametrize("options", [(), ("--input", "-")])
@pytest.mark.parametrize("form", ["jsonl", "pubtator", "bioc", "table"])
def test_standard_input_is_read_in_any_format(annotate, form, options):
    content = {
        "jsonl": json.dumps({"id": "12", "text": TEXT}) + "\n",
        "pubtator": PUBTATOR,
        "bioc": BIOC,
        "table": f'id;text\n12;"{TEXT}"\n',
    }[form]
    for named in ((), ("--input-format", form)):
        if form == "table" and not named:
            continue  # nothing says that this is no text
        (row,) = rows(annotate(*options, *named, stdin=content).stdout)
        assert (row["id"], [mention["text"] for mention in row["mentions"]]) == ("12", SURFACES)


@pytest.mark.parametrize(("name", "start"), ENDINGS.items())
def test_the_ending_of_the_output_says_its_format(annotate, tmp_path, name, start):
    (tmp_path / "a.pubtator").write_text(PUBTATOR)
    annotate("--input", tmp_path / "a.pubtator", "-o", tmp_path / name)
    assert (tmp_path / name).read_text().startswith(start)


def test_texts_and_outputs_that_would_be_replaced_are_refused(annotate, tmp_path):
    (tmp_path / "a.txt").write_text("anemia")
    for options in (("-o", tmp_path / "a.txt"), ("--output-format", "brat", "-o", tmp_path)):
        result = annotate("--input", tmp_path / "a.txt", *options)
        assert result.exit_code == 2 and "would be replaced" in result.stderr
    assert (tmp_path / "a.txt").read_text() == "anemia"
    named = annotate(tmp_path / "a.txt")
    assert named.exit_code == 2 and "is a file here and no text; to read it, put --input before it" in named.stderr
