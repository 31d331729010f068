"""The code that travels with a saved model, so that it links where this package is not installed.

transformers runs code from a repository only where the user passes `trust_remote_code=True`. It follows relative
imports between files of one folder, and none of a nested package. So a saved model holds the files that its entry points
import, flattened into one folder: `angel_hf/search/beam.py` becomes `angel_code/search_beam.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

CODE_FOLDER = "angel_code"
GENERATE_FILE = "custom_generate/generate.py"
"""The file that transformers runs where a repository is named as `custom_generate`; it stands alone."""

_ENTRY_POINTS = ("model.modeling_angel", "model.configuration_angel", "model.processing_angel", "model.pipeline_angel")
_GENERATE_MODULE = "model.custom_generate"
_RELATIVE_IMPORT = re.compile(r"^(\s*from )(\.+)([\w.]+)(?= import )", re.MULTILINE)
_RUNS_FROM_REPOSITORY = __name__.partition(".")[0] == "transformers_modules"
_HERE = Path(__file__).resolve().parent


def auto_class(module: str, name: str) -> str:
    """How a repository's `auto_map` names a class of the package: `("model.modeling_angel", "A")` by its flat file."""
    return f"{CODE_FOLDER}/{_flat(module)}.{name}"


def write_code(directory: Path) -> None:
    """Write the code into a saved model's directory; code of a repository writes itself again, byte for byte."""
    for file, text in _files().items():
        target = directory / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _files() -> dict[str, str]:
    """The text of each file, by its path in a saved model."""
    if _RUNS_FROM_REPOSITORY:
        found = {f"{CODE_FOLDER}/{file.name}": file.read_text(encoding="utf-8") for file in sorted(_HERE.glob("*.py"))}
        found.pop(f"{CODE_FOLDER}/__init__.py", None)  # transformers makes one in its cache
        return found
    package = _HERE.parent
    found = {GENERATE_FILE: _source(package, _GENERATE_MODULE)}
    waiting = list(_ENTRY_POINTS)
    while waiting:
        module = waiting.pop()
        file = f"{CODE_FOLDER}/{_flat(module)}.py"
        if file not in found:
            text = _source(package, module)
            found[file] = _RELATIVE_IMPORT.sub(
                lambda line, own=module: f"{line[1]}.{_flat(_imported(own, line))}", text
            )
            waiting += [_imported(module, line) for line in _RELATIVE_IMPORT.finditer(text)]
    return found


def _imported(module: str, line: re.Match[str]) -> str:
    """The module that a relative import names: `..trie.heights` in `search.beam` is `trie.heights`."""
    return ".".join([*module.split(".")[: -len(line[2])], line[3]])


def _source(package: Path, module: str) -> str:
    return (package / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def _flat(module: str) -> str:
    return module.replace(".", "_")
