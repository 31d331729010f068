"""From a recipe to a model: every stage in its turn, each from where it stopped."""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import PartialState

from angel_hf import AngelForEntityLinking
from angel_hf.jobs.text_file import write_json
from angel_hf.training.accuracy import Accuracy, accuracy
from angel_hf.training.adapters import AnyModel, merged, save_weights, with_adapter
from angel_hf.training.corpus import coverage
from angel_hf.training.materials import Materials
from angel_hf.training.positive_stages import fine_tune, pretrain, start
from angel_hf.training.preference_loss import check_trl
from angel_hf.training.recipe import Preference, Recipe
from angel_hf.training.reuse import reuse
from angel_hf.training.run_directory import alone_in, claim, digests
from angel_hf.training.stages import finished, linker, rows_of_a_process

_LOG = logging.getLogger(__name__)

MODEL, ADAPTER, RESULTS = "model", "adapter", "results.json"
"""What a run leaves in its directory: the finished model; where it has adapters these alone, in PEFT's form, beside the
model that they change (`Materials.base`); and accuracy on dev."""


def run_recipe(recipe: Recipe, data: Path, output: Path, reused: Path | None = None) -> None:
    """Train the recipe's model; a run that was stopped goes on.

    The finished model, with its knowledge base and trie, is `output/model`; `output/results.json` has its accuracy
    on dev, where dev was not learned from.

    Args:
        recipe: what to do.
        data: directory that the recipe's paths are below.
        output: directory of data, checkpoints and models.
        reused: directory of another run whose finished stages are taken over where they are the same; see `reuse`.

    Raises:
        ValueError: the directory holds the work of another recipe or of other data, another run is at work in it, the
            recipe cannot be carried out, or no mention of a corpus has a concept of the knowledge base.
        FileNotFoundError: a file of the recipe is not there.
        ImportError: the recipe has preference training, and TRL is missing or of another version than it needs.
    """
    if recipe.preference is not None or recipe.pretraining_preference is not None:
        check_trl()
    # Joins the other processes, if the launcher started several; while one makes data, the others wait for hours.
    processes = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(hours=24))
    check_devices(processes.num_processes)
    for stage in recipe.stages():
        rows_of_a_process(stage, processes.num_processes)
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
    if recipe.pretraining_preference is not None:
        _prefer(materials, model, recipe.pretraining_preference, output / "pretraining-preference")
    if recipe.fine_tuning is not None:
        fine_tune(materials, model, recipe.fine_tuning, materials.learned, output / "fine-tuning")
    if recipe.preference is not None:
        if recipe.adapter is not None and recipe.adapter.stages == "preference":
            _write_base(materials, model)
            model = with_adapter(merged(model), recipe.adapter, materials.base, recipe.seed)
        _prefer(materials, model, recipe.preference, output / "preference")
    if recipe.adapter is not None:
        finished(output / ADAPTER, lambda path: save_weights(model, path))
    finished(output / MODEL, lambda path: _write_linking(materials, model, path))
    if materials.unseen:
        _measure(materials, output)


def check_devices(processes: int) -> None:
    """Refuse one process with several GPUs: transformers would part its batches among them, sources here, names there.

    Raises:
        ValueError: there are more GPUs than one, and one process.
    """
    found = torch.cuda.device_count()
    if found > 1 and processes == 1:
        raise ValueError(
            f"one process and {found} GPUs; expected a process for each: torchrun --nproc-per-node {found} "
            "-m angel_hf train ..., or one GPU, by CUDA_VISIBLE_DEVICES=0"
        )


def _prefer(materials: Materials, model: AnyModel, stage: Preference, path: Path) -> None:
    # Here, since TRL needs a newer Python than the rest.
    from angel_hf.training.preference_stage import prefer

    prefer(materials, model, stage, path)


def _write_base(materials: Materials, model: AnyModel) -> None:
    """Write the model that adapters are about to change; it can link, so that the adapters alone can be loaded."""
    finished(materials.base, lambda path: _write_linking(materials, model, path))


def _write_linking(materials: Materials, model: AnyModel, path: Path) -> None:
    """Write a model with its processor, knowledge base and trie, adapters worked into the weights."""
    linking = linker(merged(model), materials.processor, materials.linking_knowledge_base)
    half = materials.recipe.model.half_precision
    linking.to(torch.float16 if half else torch.float32).save_pretrained(path)


def _check_corpora(materials: Materials) -> None:
    """Tell how many mentions can be learned from and measured on, before hours are spent on the names alone.

    Raises:
        ValueError: a corpus has none.
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
