"""What README.md shows is what happens: its Python runs, and prints what stands below it."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_SCORE = re.compile(r"-\d\.\d{3}$", re.MULTILINE)
SHOWN = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)


def test_the_readme_shows_python_with_its_output():
    assert len(SHOWN) == 4


@pytest.mark.parametrize(("code", "output"), SHOWN)
def test_the_python_of_the_readme_prints_what_stands_below_it(code, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == output


def test_make_link_prints_what_the_readme_shows(capsys):
    from angel_hf.cli import app

    example = Path(__file__).parents[1] / "angel_hf/assets/examples/ncbi-disease.pubtator"
    with pytest.raises(SystemExit) as ended:
        app(["link", "--input", str(example), "--output-format", "table", "--top-k", "1"])
    assert ended.value.code == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    shown = re.search(r"`make link` prints:\n\n```text\n(.*?)```", README, flags=re.DOTALL)
    assert shown is not None
    printed, expected = "\n".join(line for line in lines if line), shown[1].rstrip()
    assert _SCORE.sub("-", printed) == _SCORE.sub("-", expected)
    # Processors differ in the sixth digit, and so now and then in the last one that is shown.
    scores = list(map(float, _SCORE.findall(expected)))
    assert list(map(float, _SCORE.findall(printed))) == pytest.approx(scores, abs=0.0011) and len(scores) > 20
