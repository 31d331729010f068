"""Tables of `angel link`."""

import re

from angel_hf import Concept, KnowledgeBase
from tests.cli_stub import DOCUMENT, run


def test_a_table_shows_candidates_best_first_and_what_has_none(linker):
    result = run("link", "Slow [[ataxia]] in a [[family]].", "--output-format", "table")
    lines = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines() if line.strip()]
    assert lines[0] == ["mention", "concept", "name", "score"]
    assert lines[2:] == [
        ["ataxia", "D001259", "Ataxia", "-0.250"],
        ["D001259 C2", "Ataxias", "-1.500"],
        ["family", "-", "no name found", "-"],
    ]


def test_a_table_of_documents_has_a_title_each_and_markup_in_text_is_text(linker, tmp_path):
    long = "Title " * 30
    documents = DOCUMENT + f"\n13|t|A [bold]title[/bold]\n13|a|[red]\n\n14|t|{long}\n14|a|\n"
    result = run("link", "--output-format", "table", stdin=documents)
    assert result.exit_code == 0
    assert "12  Ataxia-telangiectasia.\n" in result.stdout
    assert "13  A [bold]title[/bold]\n" in result.stdout
    assert f"\n{f'14  {long}'[:109]}…\n" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_other_identifiers_stand_under_those_of_the_best_candidate_only(linker):
    linker.knowledge_base = KnowledgeBase.from_concepts(
        [Concept("D001259", ("Ataxia",), cross_references=("MONDO:1", "UMLS:C0004134", "HP:0001251", "OMIM:1"))]
    )
    shown = run("link", "Slow [[ataxia]].", "--output-format", "table").stdout
    assert "D001259 = MONDO:1 UMLS:C0004134 HP:0001251 and 1 more" in concepts_column(shown)
    assert shown.count("MONDO:1") == 1


def concepts_column(shown):
    """The words of the second column, over all lines."""
    start, end = (shown.splitlines()[1].index(heading) for heading in ("concept", "name"))
    return " ".join(" ".join(line[start:end].split()) for line in shown.splitlines()[2:]).replace("  ", " ")
