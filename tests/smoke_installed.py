"""Tries an installed angel_hf from outside its source tree: `python smoke_installed.py SOURCE_TREE`."""

import subprocess
import sys
from pathlib import Path

TEXT = "Mutations of the ATM gene cause ataxia-telangiectasia."


def check_python(source_tree: Path) -> None:
    """The package comes from where it was installed, and links a mention with the model that it carries."""
    import angel_hf

    home = Path(angel_hf.__file__).resolve()
    assert source_tree not in home.parents, f"imported from the source tree: {home}"
    model = angel_hf.AngelForEntityLinking.from_pretrained("angel-mini")
    start = TEXT.index("ataxia")
    linked = model.link(angel_hf.Mention(TEXT, start, len(TEXT) - 1))
    assert "D001260" in linked.best.concept_ids, linked
    print(f"{home.parent}: angel_hf {angel_hf.__version__} links {linked.mention.surface!r} to {linked.best}")


def check_command_line() -> None:
    """The program `angel` of this environment runs and gives the same concept."""
    program = Path(sys.executable).with_name("angel")
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    assert version.startswith("angel "), version
    marked = TEXT.replace("ataxia-telangiectasia", "[[ataxia-telangiectasia]]")
    output = subprocess.run([program, "link", marked], check=True, capture_output=True, text=True).stdout
    assert '"D001260"' in output, output
    print(version + output, end="")


if __name__ == "__main__":
    check_python(Path(sys.argv[1]).resolve())
    check_command_line()
