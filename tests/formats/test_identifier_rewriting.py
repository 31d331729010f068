"""Identifiers rewritten in stored annotations, and nothing else."""

import gzip
import json

import pytest

from angel_hf.formats.identifier_rewriting import rewrite_identifiers
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source


def rewritten(tmp_path, content, name="in"):
    """The text written, what was rejected, and the identifiers asked for with their lines."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    asked = []

    def renew(identifier, line):
        asked.append((identifier, line))
        return identifier.replace("D1", "D9")

    with Source(tmp_path / name) as source:
        pieces = list(rewrite_identifiers(source, renew))
    rejected = [piece for piece in pieces if isinstance(piece, Rejected)]
    return "".join(piece for piece in pieces if isinstance(piece, str)), rejected, asked


PUBTATOR = (
    "1|t|D1 is a title, D1|D1\n1|a|\n1\t0\t2\tD1\tDisease\tMESH:D1|D2 + D1\tD1 stays\n1\t3\t5\tis\tDisease\n"
    "1\tCID\tD1\tD1\tD1 stays\n\n2|t|x\n2|a|y\n2\t0\t1\tx\tGene\t-\n"
)


def test_pubtators_annotations_and_relations_are_rewritten(tmp_path):
    text, rejected, asked = rewritten(tmp_path, PUBTATOR)
    assert text == PUBTATOR.replace("MESH:D1|D2 + D1", "MESH:D9|D2 + D9").replace("CID\tD1\tD1", "CID\tD9\tD9")
    assert rejected == []
    assert asked == [("MESH:D1", 3), ("D2 ", 3), ("D1", 3), ("D1", 5), ("D1", 5), ("-", 9)]
    assert rewritten(tmp_path, gzip.compress(PUBTATOR.encode()))[0] == text
    assert rewritten(tmp_path, PUBTATOR.replace("\n", "\r\n").encode("utf-16"))[0] == text


def test_only_the_lines_of_json_that_change_are_written_anew(tmp_path):
    lines = [
        '{"text":"D1",  "mentions": [{"text": "D1", "candidates": [{"name": "D1", "concept_ids": ["D2"]}]}]}',
        '{"mentions":[{"candidates":[{"name":"\\u03b2 D1","concept_ids":["D1","D2"]}],"identifier":"D1;D3"}]}',
        "",
        '{"mentions": [{"identifier": null, "concept_id": 7, "concept_ids": [[], {}]}]}',
    ]
    text, rejected, _ = rewritten(tmp_path, "\n".join(lines) + "\n")
    out = text.split("\n")
    assert (out[0], out[2], out[3]) == (lines[0], lines[2], lines[3])
    assert json.loads(out[1]) == {
        "mentions": [{"candidates": [{"name": "β D1", "concept_ids": ["D9", "D2"]}], "identifier": "D9;D3"}]
    }
    assert rejected == []


def test_a_line_that_is_not_json_is_rejected_alone(tmp_path):
    deep = '{"a": ' + "[" * 5000 + "]" * 5000 + "}"
    text, rejected, _ = rewritten(
        tmp_path, '{"identifier": "D1"}\n{"identifier": \n' + deep + '\n{"identifier": "D1"}\n'
    )
    assert text == '{"identifier": "D9"}\n' * 2
    assert [one.line for one in rejected] == [2, 3]
    assert "not JSON" in rejected[0].cause and "PubTator" in rejected[0].cause


BIOC = {
    "documents": [
        {
            "id": "D1",
            "passages": [
                {
                    "text": "D1",
                    "annotations": [
                        {"infons": {"identifier": "MESH:D1", "type": "D1", "MESH": "D1", "note": "D1"}, "text": "D1"}
                    ],
                }
            ],
        }
    ]
}


@pytest.mark.parametrize("indent", [None, 1])
def test_infons_of_bioc_json_are_rewritten(tmp_path, indent):
    text, rejected, asked = rewritten(tmp_path, json.dumps(BIOC, indent=indent))
    expected = json.loads(json.dumps(BIOC).replace("MESH:D1", "MESH:D9").replace('"MESH": "D1"', '"MESH": "D9"'))
    assert (json.loads(text), rejected) == (expected, [])
    assert asked == [("MESH:D1", 1), ("MESH:D1", 1)]


def test_infons_of_bioc_xml_are_rewritten_and_every_other_byte_stays(tmp_path):
    xml = (
        '<?xml version="1.0"?>\n<b:collection xmlns:b="x"><document><id>D1</id>\n'
        "<annotation id='D1'><infon key='identifier'>MESH:D1,D2&amp;</infon><b:infon  key=\"MESH\">D1</b:infon>\n"
        '<infon key="type">D1</infon><infon key="note">D1</infon><infon key="identifier"/><text>D1 &lt;</text>'
        "</annotation></document></b:collection>\n"
    )
    text, rejected, asked = rewritten(tmp_path, xml)
    assert text == xml.replace("MESH:D1,", "MESH:D9,").replace('"MESH">D1', '"MESH">D9')
    assert asked == [("MESH:D1", 3), ("D2&", 3), ("MESH:D1", 3)]
    assert rejected == []


def test_brats_normalisations_are_rewritten(tmp_path):
    brat = "T1\tDisease 0 2\tD1\nN1\tReference T1 MESH:D1\tD1\nA1\tNegated T1\n"
    assert rewritten(tmp_path, brat)[0] == brat.replace("MESH:D1", "MESH:D9")


def test_wrong_bytes_cost_their_line(tmp_path):
    text, rejected, _ = rewritten(tmp_path, b"1|t|x\n1\t0\t1\t\xff\tDisease\tD1\n1\t0\t1\tx\tDisease\tD1\n")
    assert text == "1|t|x\n1\t0\t1\tx\tDisease\tD9\n"
    assert [one.line for one in rejected] == [2] and "not UTF-8" in rejected[0].cause


@pytest.mark.parametrize("content", ["", "\n\n", "id,name\n1,2\n", "plain words\n"])
def test_another_format_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match=r"expected PubTator, JSON lines of annotations, BioC JSON, BioC XML or brat"):
        rewritten(tmp_path, content)


def test_a_tag_without_an_end_takes_linear_time(tmp_path):
    text, _, _ = rewritten(tmp_path, "<" + "<infon key='" * 200_000 + "\n")
    assert len(text) == 12 * 200_000 + 2
