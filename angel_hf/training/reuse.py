"""Stages of another run that a recipe would repeat in the same way."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accelerate import PartialState

from angel_hf.jobs.claim import differences
from angel_hf.training.recipe import STAGES, Recipe
from angel_hf.training.run_directory import RECIPE, changed_files

_LOG = logging.getLogger(__name__)


def reuse(recipe: Recipe, files: dict[str, str], source: Path, output: Path) -> None:
    """Take over, as links, the finished stages of another run that this recipe would repeat in the same way.

    The files are those of the other run, not copies; nothing writes to a finished stage. Pretraining that reads nothing
    of the corpus is the same for every fold of it. Preference training that differs only in how it learns from the
    pairs of one round shares these, and what its model reached on dev before it.

    Args:
        recipe: to be run.
        files: `digests` of what it reads.
        source: directory of the other run, on the same file system.
        output: directory of the new run; left as it is where it holds a run already.

    Raises:
        ValueError: the other run has another seed, other data, also under the same name, or another model.
        FileNotFoundError: there is no run at `source`.
    """
    if not (output / RECIPE).exists() and PartialState().is_main_process:
        found = json.loads((source / RECIPE).read_text(encoding="utf-8"))
        wanted = json.loads(json.dumps(recipe.as_table()))
        fold_matters = any(map(_pretraining_reads_the_corpus, (found, wanted)))
        for key, before, now in differences(_shared(found, fold_matters), _shared(wanted, fold_matters)):
            raise ValueError(f"{source} cannot be reused: {key} was {before!r} and is {now!r}")
        for name in changed_files(source, files):
            raise ValueError(f"{source} cannot be reused: {name} has changed since it was read")
        for name in _taken(found, wanted, source):
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            if (source / name).is_dir():
                shutil.copytree(source / name, output / name, copy_function=_link, dirs_exist_ok=True)
            elif (source / name).exists():
                _link(source / name, output / name)
    PartialState().wait_for_everyone()


def _link(source: str | Path, link: str | Path) -> None:
    """Link a file where that was not done before this was stopped."""
    if not Path(link).exists():
        os.link(source, link)


def _taken(found: dict[str, Any], wanted: dict[str, Any], source: Path) -> Iterator[str]:
    """The directories that both recipes fill in the same way."""
    same_corpus = found["data"] == wanted["data"]
    if same_corpus:
        yield from ("tokenizer", "development")
    for stage in STAGES:
        directory = stage.replace("_", "-")
        difference = next(differences(found.get(stage), wanted[stage], stage), None)
        if found.get(stage) is None and wanted[stage] is not None:
            return
        if difference is None and stage == "preference":
            difference = next(differences(found.get("adapter"), wanted["adapter"], "adapter"), None)
        if difference is None and not same_corpus and stage != "pretraining":
            difference = "data.fold", found["data"]["fold"], wanted["data"]["fold"]
        if difference is not None:
            _LOG.info("%s: from %s on nothing is reused; %s was %r and is %r", source, stage, *difference)
            if stage == "preference" and same_corpus:
                yield from _taken_of_preference(found[stage], wanted[stage])
            return
        if wanted[stage] is not None:
            if not (source / directory / "finished").exists():
                _LOG.info("%s: from %s on nothing is reused; it is not finished", source, stage)
                return
            yield directory
            if stage == "fine_tuning":
                yield "cross-fitting"


def _taken_of_preference(found: dict[str, Any], wanted: dict[str, Any] | None) -> Iterator[str]:
    """What two ways of preference training have in common: all that comes before the first round's training."""
    # The pairs of a model before it has learned anything, mined on the whole corpus.
    if wanted is not None and found["mining"] == wanted["mining"] and found["rounds"] == wanted["rounds"] == 1:
        yield from ("preference/round-1/mined", "preference/start.dev.json")


def _shared(table: dict[str, Any], fold_matters: bool) -> dict[str, Any]:
    """What two runs must have in common to share a stage."""
    adapter = table.get("adapter")
    from_the_start = adapter if adapter is not None and adapter["stages"] == "all" else None
    data = {key: value for key, value in table["data"].items() if fold_matters or key != "fold"}
    return {"seed": table["seed"], "data": data, "model": table["model"], "adapter": from_the_start}


def _pretraining_reads_the_corpus(table: dict[str, Any]) -> bool:
    """Whether the corpus gives pretraining its vocabulary or its contexts; where there is none, nothing is the same."""
    pretraining = table.get("pretraining")
    return table["model"]["base"] is None or not pretraining or pretraining["mixture"]["context_share"] > 0
