"""`angel kb` on ontologies: scopes of synonyms, bad lines, terms without a name, and retired identifiers."""

import json
import re
from pathlib import Path

import pytest

import angel_hf
from angel_hf import KnowledgeBase
from angel_hf.cli.failure import InputError
from angel_hf.cli.linker import load_linker
from tests.cli_stub import run

FEVERS = Path(__file__).parents[1] / "formats/fixtures/fevers.obo"
BAD = "[Term]\nid: A:1\nname: fever\nsynonym: bare EXACT []\n\n[Term]\nid: BFO:1\n\n[Term]\nname: nobody's\n"
TOLD = [
    "bad.obo:4: synonym of A:1: ' bare EXACT []'; expected a text in double quotes, as in `\"text\" EXACT []`",
    "bad.obo:9: a term without an `id:` line; expected one",
    "1 term without a name passed over, as ontologies allow them",
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.obo").write_text(BAD)
    return tmp_path


def words(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("ending", ["obo", "json", "owl"])
def test_scopes_of_synonyms_are_chosen_on_the_command_line(ending):
    source = FEVERS.with_suffix(f".{ending}")
    assert "names 5 " in words(run("kb", "show", source).stdout)
    built = run("kb", "build", source, "kb", "--synonyms", "related,broad")
    assert (built.exit_code, built.stderr) == (0, "")
    assert KnowledgeBase.load("kb").concept("DM:1").names == ("green fever", "fièvre verte", "coloured fever")
    assert "green fever | light green" in words(
        run("kb", "show", source, "--synonyms", "NARROW", "--concepts", "1").stdout
    )
    refused = run("kb", "build", source, "other", "--synonyms", "near")
    assert (refused.exit_code, Path("other").exists()) == (2, False)
    assert (
        "unknown synonym scope NEAR; expected some of EXACT, NARROW, BROAD, RELATED, or all or none" in refused.stderr
    )


def test_a_bad_line_is_told_and_put_aside_and_a_missing_name_is_only_counted():
    built = run("kb", "build", "bad.obo", "kb")
    assert built.exit_code == 1
    last = "2 records or names were left out; the others were read; written to kb.rejected.jsonl"
    assert built.stderr.splitlines() == [*TOLD, last]
    aside = [json.loads(line) for line in Path("kb.rejected.jsonl").read_text().splitlines()]
    assert [(one["line"], one["record"]) for one in aside] == [(4, "synonym: bare EXACT []"), (9, "[Term]")]
    assert KnowledgeBase.load("kb").concept("A:1").names == ("fever",)
    shown = run("kb", "show", "bad.obo")
    assert (shown.exit_code, shown.stderr.splitlines()[:3]) == (1, TOLD)


def test_what_is_left_out_is_refused_by_strict_and_a_missing_name_is_not():
    for command in (["build", "bad.obo", "kb"], ["show", "bad.obo"], ["add", str(FEVERS), "kb", "--from", "bad.obo"]):
        refused = run("kb", *command, "--strict")
        assert (refused.exit_code, refused.stderr) == (2, f"error: {TOLD[0]}\n")
    assert not Path("kb").exists()
    Path("stub.obo").write_text("[Term]\nid: A:1\nname: fever\n\n[Term]\nid: BFO:1\n")
    built = run("kb", "build", "stub.obo", "kb", "--strict")
    assert (built.exit_code, built.stderr) == (0, f"{TOLD[2]}\n")


def test_retired_identifiers_are_found_or_told_before_and_after_building():
    assert run("kb", "build", FEVERS, "kb").exit_code == 0
    for source in (str(FEVERS), "kb"):
        for identifier in ("DM:1", "DM:77", "DM:8", "dm:8", "DM_8", "http://purl.obolibrary.org/obo/DM_8"):
            assert "DM:1 green fever" in words(run("kb", "show", source, "--concept", identifier).stdout)
        told = run("kb", "show", source, "--concept", "DM:9")
        assert told.exit_code == 2
        assert told.stderr == (
            f"error: {source}: concept 'DM:9' is retired; it may be replaced by DM:1 (green fever), "
            "DM:3 (β-fever, type 2: acute): give one of these\n"
        )


def test_linking_to_a_file_tells_what_is_left_out(monkeypatch, capsys):
    def stop(*_, knowledge_base, **__):
        raise ValueError(f"{knowledge_base.num_names} names are there")

    monkeypatch.setattr(angel_hf.AngelForEntityLinking, "from_pretrained", stop)
    with pytest.raises(InputError, match="1 names are there"):
        load_linker("model", Path("bad.obo"), None, "cpu")
    assert capsys.readouterr().err.splitlines()[1:] == [
        *TOLD[1:],
        "2 records or names were left out; the others were read",
    ]
