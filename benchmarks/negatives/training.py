"""The models of a study, each trained by `angel train`; an existing one is not trained again."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.negatives.study import POSITIVE, Study, Trained, models_of


def train_all(study: Study, data: Path, runs: Path, reused: Path | None, progress: Callable[[str], None]) -> None:
    """Train what is missing.

    Args:
        study: what to train.
        data: directory that the recipe's paths are below.
        runs: directory of the runs.
        reused: a finished run whose stages the positive model takes over where the recipes agree.
        progress: called with a line of text at each stage.

    Raises:
        RuntimeError: a training failed; it has printed its error.
    """
    sharing: dict[str, Path] = {}
    for model in models_of(study):
        output = runs / model.directory
        shared = _shared_with(study, model)
        source = sharing.get(shared) or sharing.get(f"{POSITIVE} {model.fold}") or reused
        if not (output / "model").exists():
            progress(f"training {model.directory}")
            _train(study, model, data, output, source)
        sharing.setdefault(shared, output)


def _shared_with(study: Study, model: Trained) -> str:
    """What models with the same preference pairs have in common."""
    if model.variant == POSITIVE:
        return f"{POSITIVE} {model.fold}"
    preference = model.recipe(study).preference
    assert preference is not None, "a variant has preference training"
    return json.dumps([model.fold, dataclasses.asdict(preference.mining)])


def _train(study: Study, model: Trained, data: Path, output: Path, source: Path | None) -> None:
    command = [sys.executable, "-m", "angel_hf", "train", "--recipe", study.recipe, "--data", str(data)]
    command += ["--output", str(output), "--processes", str(study.processes)]
    command += [part for change in model.changes for part in ("--set", change)]
    command += ["--reuse", str(source)] if source is not None else []
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise RuntimeError(f"{model.directory}: training failed with the error above; repair it and start again")
