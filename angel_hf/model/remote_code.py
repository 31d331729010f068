"""The code that travels with a saved model, so that it links where this package is not installed.

transformers runs code from a repository only where the user passes `trust_remote_code=True`. It follows relative
imports between files of one folder, and none of a nested package. So a saved model holds the files that its entry
points import, flattened into one folder: `angel_hf/search/beam.py` becomes `angel_code/search_beam.py`.
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
_PACKAGE = Path(__file__).resolve().parents[1]


def code_files() -> dict[str, bytes]:
    """The contents of each file, by its path in a saved model."""
    found = {GENERATE_FILE: _source(_GENERATE_MODULE)}
    waiting = list(_ENTRY_POINTS)
    while waiting:
        module = waiting.pop()
        file = f"{CODE_FOLDER}/{_flat(module)}.py"
        if file not in found:
            found[file] = _flatten(module, _source(module))
            waiting += [_imported(module, line) for line in _RELATIVE_IMPORT.finditer(_source(module))]
    return {file: text.encode() for file, text in sorted(found.items())}


def _flatten(module: str, text: str) -> str:
    """The text of a module with its relative imports between files of one folder."""
    return _RELATIVE_IMPORT.sub(lambda line: f"{line[1]}.{_flat(_imported(module, line))}", text)


def _imported(module: str, line: re.Match[str]) -> str:
    """The module that a relative import names: `..trie.heights` in `search.beam` is `trie.heights`."""
    return ".".join([*module.split(".")[: -len(line[2])], line[3]])


def _source(module: str) -> str:
    return (_PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def _flat(module: str) -> str:
    return module.replace(".", "_")
