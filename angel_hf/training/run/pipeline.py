"""From a recipe to a model: the stages in their order, each resumed if it was stopped."""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import PartialState

from angel_hf import AngelForEntityLinking
from angel_hf.jobs.text_file import write_json
from angel_hf.training.data.corpus import coverage
from angel_hf.training.model.accuracy import Accuracy, accuracy
from angel_hf.training.model.adapters import AnyModel, merged, save_weights, with_adapter
from angel_hf.training.model.linking import linking_model
from angel_hf.training.positive.stages import fine_tune, pretrain, start
from angel_hf.training.preference.loss import check_trl
from angel_hf.training.preference.stage import prefer
from angel_hf.training.recipes.schema import Recipe
from angel_hf.training.run.directory import alone_in, claim, digests
from angel_hf.training.run.reuse import reuse
from angel_hf.training.stage.artifacts import finished
from angel_hf.training.stage.materials import Materials
from angel_hf.training.stage.trainer import rows_per_process

_LOG = logging.getLogger(__name__)

MODEL, ADAPTER, RESULTS = "model", "adapter", "results.json"
"""Results in a run's directory: the finished model; its adapters alone, if it has any, in PEFT's format, beside their
base model (`Materials.base`); and accuracy on dev."""


def run_recipe(recipe: Recipe, data: Path, output: Path, reused: Path | None = None) -> None:
    """Train the recipe's model; a stopped run resumes.

    The finished model, with its knowledge base and trie, is `output/model`; its accuracy on dev, unless dev was learned
    from, is in `output/results.json`.

    Args:
        recipe: model, data and stages.
        data: directory that the recipe's paths are relative to.
        output: directory of training pairs, checkpoints and models.
        reused: directory of another run, whose finished stages are linked as far as the recipes agree; see `reuse`.

    Raises:
        ValueError: the directory holds the work of another recipe or of other data, another run is at work in it, the
            recipe cannot be run, or no mention of a corpus has a concept in the knowledge base.
        FileNotFoundError: a file of the recipe is missing.
        ImportError: the recipe has preference training, and TRL is missing or of another version.
    """
    if recipe.preference is not None:
        check_trl()
    # Joins the other processes, if there are several; these may wait hours while one prepares data.
    processes = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(hours=24))
    check_devices(processes.num_processes)
    for stage in recipe.stages():
        rows_per_process(stage, processes.num_processes)
    materials = Materials(recipe, data, output)
    with alone_in(output):
        files = digests(materials.files, data)
        if reused is not None:
            reuse(recipe, files, reused, output)
        claim(recipe, files, output)
        _check_corpora(materials)
        _run_stages(materials, output)


def _run_stages(materials: Materials, output: Path) -> None:
    recipe = materials.recipe
    model = start(materials)
    if recipe.adapter is not None and recipe.adapter.stages == "all":
        _write_base(materials, model)
    if recipe.pretraining is not None:
        pretrain(materials, model, recipe.pretraining)
    if recipe.fine_tuning is not None:
        fine_tune(materials, model, recipe.fine_tuning, materials.learned, output / "fine-tuning")
    if recipe.preference is not None:
        if recipe.adapter is not None and recipe.adapter.stages == "preference":
            _write_base(materials, model)
            model = with_adapter(merged(model), recipe.adapter, materials.base, recipe.seed)
        prefer(materials, model, recipe.preference, output / "preference")
    if recipe.adapter is not None:
        finished(output / ADAPTER, lambda path: save_weights(model, path))
    finished(output / MODEL, lambda path: _write_linking(materials, model, path))
    if materials.unseen:
        _measure(materials, output)


def check_devices(processes: int) -> None:
    """Refuse one process with several GPUs, among which transformers would split sources and names unequally.

    Raises:
        ValueError: there is one process and more than one GPU.
    """
    found = torch.cuda.device_count()
    if found > 1 and processes == 1:
        raise ValueError(
            f"one process and {found} GPUs; expected a process for each: torchrun --nproc-per-node {found} "
            "-m angel_hf train ..., or one GPU, by CUDA_VISIBLE_DEVICES=0"
        )


def _write_base(materials: Materials, model: AnyModel) -> None:
    """Write the adapters' base model; it can link, and so can the adapters loaded on it."""
    finished(materials.base, lambda path: _write_linking(materials, model, path))


def _write_linking(materials: Materials, model: AnyModel, path: Path) -> None:
    """Write a model with its processor, knowledge base and trie; adapters are merged into the weights."""
    linking = linking_model(merged(model), materials.processor, materials.knowledge_base)
    half = materials.recipe.model.half_precision
    linking.to(torch.float16 if half else torch.float32).save_pretrained(path)


def _check_corpora(materials: Materials) -> None:
    """Log how many mentions are usable for training and measuring, before hours of pretraining.

    Raises:
        ValueError: no mention of a corpus is usable.
    """
    knowledge_base = materials.knowledge_base
    for split, mentions in (("train", materials.train), ("dev", materials.dev)):
        if not mentions:
            continue
        found = coverage(mentions, knowledge_base)
        if not found.known:
            example = next(knowledge_base.concepts()).concept_id
            raise ValueError(
                f"{split}: {found}; expected identifiers of the knowledge base, as {example}: name another corpus or "
                "knowledge base in the recipe's [data]"
            )
        if PartialState().is_main_process:
            _LOG.info("%s: %s", split, found)


def _measure(materials: Materials, output: Path) -> None:
    model = AngelForEntityLinking.from_pretrained(output / MODEL).to(PartialState().device).eval()
    measured: Accuracy = accuracy(model, materials.unseen)
    if PartialState().is_main_process:
        _LOG.info("dev: accuracy %.1f at 1, %.1f at 5, of %d mentions", measured.at_1, measured.at_5, measured.mentions)
        write_json(output / RESULTS, {"recipe": materials.recipe.name, "dev": dataclasses.asdict(measured)})
