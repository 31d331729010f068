"""Tries an installed angel_hf from outside its source tree.

    python smoke_installed.py SOURCE_TREE MYPY

MYPY is a command of another environment, which checks a user's program against the packages of this one.
"""

import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

# Following the annotations of transformers takes mypy minutes; the types of angel_hf do not need them.
MYPY_SETTINGS = "[mypy]\n[mypy-transformers.*]\nfollow_imports = skip\n"
USER_PROGRAM = """
from angel_hf import AngelForEntityLinking, Mention
linked = AngelForEntityLinking.from_pretrained("angel-mini").link(Mention("ataxia", 0, 6))
reveal_type(linked)
"""
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
    commands = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    assert "  push " in commands and "  convert " in commands, commands
    assert "  bench " not in commands, "measuring needs the source tree, which is not installed"


def check_packages() -> None:
    """The three packages are installed with the marker of their types, and no other one of the source tree is."""
    installed = {path.parts[0] for path in distribution("angel-hf").files or ()}
    packages = {name for name in installed if not name.startswith("..") and not name.endswith(".dist-info")}
    assert packages == {"angel_hf", "eval_harness", "hub_cards"}, packages
    assert all(find_spec(name) is None for name in ("demo", "benchmarks", "tests"))
    assert Path(find_spec("angel_hf").origin).with_name("py.typed").is_file()


def check_types(mypy: str) -> None:
    """The mypy of another environment sees what linking returns in a program of a user."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "program.py").write_text(USER_PROGRAM)
        (Path(folder) / "mypy.ini").write_text(MYPY_SETTINGS)
        command = [mypy, "--python-executable", sys.executable, "--cache-dir", "cache", "program.py"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert 'Revealed type is "angel_hf.types.Linked"' in result.stdout, result.stdout + result.stderr
    print(result.stdout, end="")


if __name__ == "__main__":
    check_python(Path(sys.argv[1]).resolve())
    check_command_line()
    check_packages()
    check_types(sys.argv[2])
