"""The code that a repository carries beside what transformers copies itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .custom_generate_angel import generate
from .pipeline_angel import EntityLinkingPipeline


def copy_code(directory: Path) -> None:
    """Write the pipeline, and the file that transformers looks for when a repository is named as `custom_generate`.

    What these import lies beside them already, since transformers copies all that the model's own file imports.
    """
    targets = {
        EntityLinkingPipeline: directory / "pipeline_angel.py",
        generate: directory / "custom_generate/generate.py",
    }
    for code, target in targets.items():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(str(sys.modules[code.__module__].__file__), target)
