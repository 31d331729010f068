"""From a recipe to a model: every stage in its turn, each from where it stopped."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import PartialState

from angel_hf import AngelForEntityLinking
from angel_hf.training.accuracy import Accuracy, accuracy
from angel_hf.training.materials import Materials
from angel_hf.training.positive_stages import fine_tune, pretrain, start
from angel_hf.training.recipe import Recipe
from angel_hf.training.stages import finished, linker

_LOG = logging.getLogger(__name__)

MODEL = "model"
RESULTS = "results.json"


def run_recipe(recipe: Recipe, data: Path, output: Path) -> None:
    """Train the recipe's model; a run that was stopped goes on.

    The finished model, with its knowledge base and trie, is `output/model`; `output/results.json` has its accuracy
    on dev.

    Args:
        recipe: what to do.
        data: directory that the recipe's paths are below.
        output: directory of data, checkpoints and models.

    Raises:
        ValueError: the directory holds the work of another recipe, or the recipe cannot be carried out.
        FileNotFoundError: a file of the recipe is not there.
    """
    PartialState(cpu=not torch.cuda.is_available())  # joins the other processes, if the launcher started several
    materials = Materials(recipe, data, output)
    claim(recipe, output)
    model = start(materials)
    if recipe.pretraining is not None:
        pretrain(materials, model, recipe.pretraining)
    if recipe.fine_tuning is not None:
        fine_tune(materials, model, recipe.fine_tuning, materials.train, output / "fine-tuning")

    def write(path: Path) -> None:
        linking = linker(model, materials.processor, materials.linking_knowledge_base)
        linking.to(torch.float16 if recipe.model.half_precision else torch.float32).save_pretrained(path)

    finished(output / MODEL, write)
    if PartialState().is_main_process and recipe.data.dev:
        _measure(materials, output)


def claim(recipe: Recipe, output: Path) -> None:
    """Note in a directory whose work it holds.

    Raises:
        ValueError: it holds the work of another recipe; the first difference is named.
    """
    path = output / "recipe.json"
    wanted = json.loads(json.dumps(recipe.as_table()))
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        for key, before, now in _differences(found, wanted, ""):
            raise ValueError(
                f"{output} holds the work of another recipe: {key} was {before!r} and is {now!r}; "
                "name another --output, or remove that directory to start anew"
            )
    elif PartialState().is_main_process:
        output.mkdir(parents=True, exist_ok=True)
        _write_json(path, wanted)
    PartialState().wait_for_everyone()


def _differences(before: object, now: object, key: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}".removeprefix("."))
    elif before != now:
        yield key, before, now


def _measure(materials: Materials, output: Path) -> None:
    model = AngelForEntityLinking.from_pretrained(output / MODEL).eval()
    measured: Accuracy = accuracy(model, materials.dev)
    _LOG.info("dev: accuracy %.1f at 1, %.1f at 5, of %d mentions", measured.at_1, measured.at_5, measured.mentions)
    _write_json(output / RESULTS, {"recipe": materials.recipe.name, "dev": dataclasses.asdict(measured)})


def _write_json(path: Path, value: object) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
