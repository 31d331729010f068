import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval_harness.cli import app
from eval_harness.published import published_numbers
from eval_harness.result_file import read_results

SAMPLE = Path(__file__).parent / "sample"
GIVEN = ["run", "--sample", "--source", str(SAMPLE / "released"), "--knowledge-base", str(SAMPLE / "medic.txt")]
ASKED = ["--predictor", "exact", "memory", "tfidf", "--protocol", "angel", "strict"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the sample."""
    directory = tmp_path_factory.mktemp("report")
    ended = CliRunner().invoke(app, [*GIVEN, *ASKED, "--out", str(directory)])
    assert ended.exit_code == 0, ended.output
    return directory


class _Outside(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action") and value and not value.startswith(("#", "data:")):
                self.found.append(value)


def test_the_page_is_one_file_that_loads_nothing(out: Path) -> None:
    page = (out / "report.html").read_text()
    outside = _Outside()
    outside.feed(page)
    assert outside.found == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    # Ids of different plots do not clash.
    ids = re.findall(r'\bid="([^"]+)"', re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    clashing = {one for one in ids if ids.count(one) > 1 and re.match(r"[pm][0-9a-f]{10}", one)}
    assert clashing == set()


def test_the_markdown_shows_the_numbers_of_the_results(out: Path) -> None:
    report = read_results(out / "results.json")
    text = (out / "report.md").read_text()
    assert "**These numbers are on a small sample" in text
    for result in report.results:
        start = f"| {result.protocol.name} | {result.predictor} | {result.mentions} | {result.unanswered} | "
        assert f"{start}{result.accuracy_at[1]:.1f} | " in text
    for number in published_numbers("ncbi"):
        assert f"| {number.system} | {number.accuracy_at_1:.1f} | {number.citation} |" in text
    assert "| angel | published | train, dev | any | any part | left out |" in text
    assert "| strict | none | train | first | all parts | wrong |" in text
    for digest in report.run.data_sha256.values():
        assert digest in text
    # Every table's rows have as many cells as its head.
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_error_browser_holds_every_wrong_mention(out: Path) -> None:
    page = (out / "report.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    report = read_results(out / "results.json")
    for result, errors in zip(report.results, data["sets"], strict=True):
        wrong = result.mentions - round(result.mentions * result.accuracy_at[1] / 100)
        assert len(errors["wrong"]) == wrong
        assert errors["label"] == f"{result.predictor}, {result.protocol.name}"
    number, rank, candidates = data["sets"][2]["wrong"][0]
    assert rank == 0 or rank > 1
    assert data["mentions"][number]["mention"]
    assert len(candidates) <= 5


def test_text_of_a_corpus_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    source = tmp_path / "corpus"
    source.mkdir()
    for file in (SAMPLE / "released").iterdir():
        (source / file.name).write_text(file.read_text())
    evil = "1|t|Gout</script><script>alert(1)</script> is <!-- rare.\n1|a|Yes.\n1\t0\t4\tGout\tModifier\tD006073\n"
    (source / "NCBItestset_corpus.txt").write_text(evil)
    given = ["run", "--sample", "--source", str(source), "--knowledge-base", str(SAMPLE / "medic.txt")]
    ended = CliRunner().invoke(app, [*given, "--predictor", "exact", "--protocol", "strict", "--out", str(tmp_path)])
    assert ended.exit_code == 0, ended.output
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert page.count("</script>") == 2


def test_slices_part_the_mentions(out: Path) -> None:
    for result in read_results(out / "results.json").results:
        parts: dict[str, int] = {}
        right: dict[str, float] = {}
        for one in result.slices:
            parts[one.name] = parts.get(one.name, 0) + one.mentions
            right[one.name] = right.get(one.name, 0) + one.mentions * one.accuracy_at_1 / 100
        assert {"mention seen in training", "words", "abbreviation", "semantic type"} <= parts.keys()
        assert set(parts.values()) == {result.mentions}
        assert list(right.values()) == pytest.approx(
            [result.mentions * result.accuracy_at[1] / 100] * len(right), abs=0.01
        )
