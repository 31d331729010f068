"""The door of training: it needs the libraries of the `train` extra, all of them or none."""

from __future__ import annotations

import sys
from importlib.util import find_spec

# TRL is checked where preference training starts: it needs Python 3.11, and positive training does without it.
_PACKAGES = ("accelerate", "datasets", "filelock", "peft", "pyarrow", "sklearn")
_TOML = "tomllib" if sys.version_info >= (3, 11) else "tomli"

_missing = [name for name in (*_PACKAGES, _TOML) if find_spec(name) is None]
if _missing:
    raise ImportError(f"angel_hf.training needs pip install 'angel-hf[train]' ({', '.join(_missing)} not found)")
