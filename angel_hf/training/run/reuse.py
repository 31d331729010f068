"""Reuse of the stages that two recipes have in common."""

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
from angel_hf.jobs.readable import read_json_object
from angel_hf.training.recipes.schema import STAGES, Recipe
from angel_hf.training.run.directory import RECIPE, changed_files

_LOG = logging.getLogger(__name__)


def reuse(recipe: Recipe, files: dict[str, str], source: Path, output: Path) -> None:
    """Link the finished stages of another run that this recipe would repeat unchanged.

    The links share the other run's files; nothing writes to a finished stage. Pretraining that does not read the corpus
    is the same for all its folds. Preference training that differs only in how it learns from the pairs of its single
    round shares these, and the dev accuracy before it.

    Args:
        recipe: to be run.
        files: `digests` of the files that it reads.
        source: directory of the other run, on the same file system.
        output: directory of the new run; unchanged if it already holds a run.

    Raises:
        ValueError: the other run has another seed, model or data, even if the names are the same.
        FileNotFoundError: there is no run at `source`.
    """
    if not (output / RECIPE).exists() and PartialState().is_main_process:
        found = read_json_object(source / RECIPE, "expected the recipe of a run: name the folder of another run")
        table = json.loads(json.dumps(recipe.as_table()))
        fold_matters = any(map(_pretraining_reads_the_corpus, (found, table)))
        for key, before, now in differences(_shared(found, fold_matters), _shared(table, fold_matters)):
            raise ValueError(f"{source} cannot be reused: {key} was {before!r} and is {now!r}")
        for name in changed_files(source, files):
            raise ValueError(f"{source} cannot be reused: {name} has changed since it was read")
        for name in _reusable(found, table, source):
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            if (source / name).is_dir():
                shutil.copytree(source / name, output / name, copy_function=_link, dirs_exist_ok=True)
            elif (source / name).exists():
                _link(source / name, output / name)
    PartialState().wait_for_everyone()


def _link(source: str | Path, link: str | Path) -> None:
    """Link a file, unless a stopped run already did."""
    if not Path(link).exists():
        os.link(source, link)


def _reusable(found: dict[str, Any], table: dict[str, Any], source: Path) -> Iterator[str]:
    """The directories that both recipes fill with the same files."""
    same_corpus = found["data"] == table["data"]
    if same_corpus:
        yield from ("tokenizer", "development")
    for stage in STAGES:
        directory = stage.replace("_", "-")
        difference = next(differences(found.get(stage), table[stage], stage), None)
        if found.get(stage) is None and table[stage] is not None:
            return
        if difference is None and stage == "preference":
            difference = next(differences(found.get("adapter"), table["adapter"], "adapter"), None)
        if difference is None and not same_corpus and stage != "pretraining":
            difference = "data.fold", found["data"]["fold"], table["data"]["fold"]
        if difference is not None:
            _LOG.info("%s: from %s on nothing is reused; %s was %r and is %r", source, stage, *difference)
            if stage == "preference" and same_corpus:
                yield from _reusable_of_preference(found[stage], table[stage])
            return
        if table[stage] is not None:
            if not (source / directory / "finished").exists():
                _LOG.info("%s: from %s on nothing is reused; it is not finished", source, stage)
                return
            yield directory
            if stage == "fine_tuning":
                yield "cross-fitting"


def _reusable_of_preference(found: dict[str, Any], table: dict[str, Any] | None) -> Iterator[str]:
    """What comes before the training of the first round, if two kinds of preference training have it in common."""
    # Pairs of the model before preference training, mined on the whole corpus.
    if table is not None and found["mining"] == table["mining"] and found["rounds"] == table["rounds"] == 1:
        yield from ("preference/round-1/mined", "preference/start.dev.json")


def _shared(table: dict[str, Any], fold_matters: bool) -> dict[str, Any]:
    """The part of a recipe that two runs must have in common to share a stage."""
    adapter = table.get("adapter")
    from_the_start = adapter if adapter is not None and adapter["stages"] == "all" else None
    data = {key: value for key, value in table["data"].items() if fold_matters or key != "fold"}
    return {"seed": table["seed"], "data": data, "model": table["model"], "adapter": from_the_start}


def _pretraining_reads_the_corpus(table: dict[str, Any]) -> bool:
    """Whether pretraining takes vocabulary or contexts from the corpus; True if there is no pretraining to share."""
    pretraining = table.get("pretraining")
    return table["model"]["base"] is None or not pretraining or pretraining["mixture"]["context_share"] > 0
