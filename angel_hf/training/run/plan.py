"""The plan of a recipe: its steps and estimated cost, before anything is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from accelerate import init_empty_weights
from transformers import BartForConditionalGeneration

from angel_hf.training.model.adapters import TARGET_MODULES
from angel_hf.training.model.base import shape_of
from angel_hf.training.model.small_bart import bart_config
from angel_hf.training.positive.stages import CONTEXT_WORDS
from angel_hf.training.recipes.schema import (
    STAGES,
    Adapter,
    FineTuning,
    Optimization,
    Preference,
    Pretraining,
    Recipe,
    Shape,
)
from angel_hf.training.stage.trainer import in_bfloat16, rows_per_process

_GIGABYTE = 1e9
_EFFICIENCY = 0.6
"""Training's speed relative to large matrix products; measured with angel-mini on a CPU."""
_BARE_SOURCE = 10
"""Tokens of a name between its markers."""
_DECODER_TOKENS = 16
"""Tokens of a mention's prefix and a name."""
_TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The steps and the estimated cost of one stage.

    With `at_most`, passes over pairs that are not mined yet may end the stage before `steps`. `memory` is bytes of
    weights, gradients, optimizer state and activations in one process; `seconds` holds for the machine that made the
    plan.
    """

    name: str
    steps: int
    at_most: bool
    batch: str
    memory: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of parameters: all, and those in the matrices that multiply each token of encoder and decoder."""

    parameters: int
    encoder: int
    decoder: int


def model_size(shape: Shape) -> Size:
    """Count the parameters of a BART of a shape, without allocating it."""
    with init_empty_weights():
        model = BartForConditionalGeneration(bart_config(shape, shape.vocabulary_size))

    def count(module: torch.nn.Module) -> int:
        # Without the embeddings, of which a token reads one row.
        matrices = (p.numel() for name, p in module.named_parameters() if p.dim() == 2 and "embed" not in name)
        return sum(matrices)

    body = model.model
    projection = shape.vocabulary_size * shape.d_model
    # Weights without storage cannot be tied; those that usually are, are left out by name.
    parameters = sum(p.numel() for name, p in model.named_parameters() if not name.endswith(_TIED))
    return Size(parameters, count(body.encoder), count(body.decoder) + projection)


def adapter_size(shape: Shape, adapter: Adapter) -> int:
    """Number of parameters of a recipe's adapters: rank * (inputs + outputs) of each adapted matrix."""
    widths = {"fc1": shape.d_model + shape.ffn_dim, "fc2": shape.d_model + shape.ffn_dim}
    attentions = shape.encoder_layers + 2 * shape.decoder_layers
    total = 0
    for module in TARGET_MODULES:
        copies = shape.encoder_layers + shape.decoder_layers if module in widths else attentions
        total += adapter.rank * copies * widths.get(module, 2 * shape.d_model)
    return total


def plan_stage(name: str, stage: Optimization, recipe: Recipe, processes: int, flops: float) -> StagePlan:
    """Estimate the memory and the time of one stage.

    Floating-point operations: 6 for each parameter and token (Kaplan et al. 2020). Activations: `tokens * width * (34 +
    5 * heads * length / width)` bytes a layer in 16 bits, twice that in 32 (Korthikanti et al. 2022), plus logits and
    their gradients. Memory is an upper bound, for the longest pairs that the recipe allows; time assumes names of usual
    length and, for mentions in a text, the longest source.

    Args:
        name: of the stage.
        stage: how it trains.
        recipe: of the model.
        processes: that share a batch.
        flops: floating-point operations per second of one process in large matrix products.

    Raises:
        ValueError: a batch does not divide among the processes.
    """
    shape = shape_of(recipe.model)
    size = model_size(shape)
    rows = rows_per_process(stage, processes)
    bytes_each = 2 if in_bfloat16(stage) else 4

    def layer(length: int) -> float:
        return (
            rows * length * shape.d_model * (34 + 5 * shape.attention_heads * length / shape.d_model) * bytes_each / 2
        )

    source, target = shape.max_source_length, recipe.model.max_target_length
    steps, names, at_most = stage.steps, 1, False
    if isinstance(stage, Preference):
        steps *= stage.rounds
        at_most = stage.epochs is not None or stage.rounds > 1
        # The source of both is read once.
        names = 2 if stage.method == "preference" else 1
    activations = shape.encoder_layers * layer(source) + names * 1.5 * shape.decoder_layers * layer(target)
    activations += 3 * names * rows * target * shape.vocabulary_size * 4
    trained = size.parameters
    if recipe.adapter is not None and (recipe.adapter.stages == "all" or name == "preference"):
        trained = adapter_size(shape, recipe.adapter)
    # All weights, and for those that train the gradients and both of Adam's moments; all in 32 bits.
    memory = 4 * size.parameters + 12 * trained + activations
    per_process = steps * rows * stage.gradient_accumulation
    work = 6 * per_process * (size.encoder * _usual_source(stage, shape) + names * size.decoder * _DECODER_TOKENS)
    batch = f"{stage.batch_size} = {processes} x {stage.gradient_accumulation} x {rows}"
    return StagePlan(name, steps, at_most, batch, memory, work / (flops * _EFFICIENCY))


def _usual_source(stage: Optimization, shape: Shape) -> float:
    """Mean tokens of a source; mentions of a corpus are assumed to fill the encoder."""
    if isinstance(stage, Pretraining):
        # Contexts are cut short here.
        return _BARE_SOURCE + stage.mixture.context_share * min(shape.max_source_length, 4 * CONTEXT_WORDS)
    if isinstance(stage, FineTuning) and stage.replay:
        return (_BARE_SOURCE + shape.max_source_length) / 2
    return shape.max_source_length


def plans(recipe: Recipe, processes: int, flops: float) -> Iterator[StagePlan]:
    """The stages of a recipe in their order, the models of folds before the stage that needs them."""
    for name in STAGES:
        stage = getattr(recipe, name)
        if isinstance(stage, Preference) and "cross-fitted" in stage.mining.sources:
            yield _plan_cross_fitting(recipe, stage.mining.folds, processes, flops)
        if stage is not None:
            yield plan_stage(name, stage, recipe, processes, flops)


def _plan_cross_fitting(recipe: Recipe, folds: int, processes: int, flops: float) -> StagePlan:
    """One line for the models of all folds, which are trained in turn."""
    assert recipe.fine_tuning is not None, "the recipe has been checked for it"
    one = plan_stage("cross-fitting", recipe.fine_tuning, recipe, processes, flops)
    return replace(one, steps=folds * one.steps, seconds=folds * one.seconds)


def format_plan(recipe: Recipe, processes: int) -> str:
    """The plan as text: one line a stage, and how the numbers are estimated."""
    flops = measured_flops()
    size = model_size(shape_of(recipe.model))
    lines = [
        f"{recipe.name}: {recipe.description}",
        f"from {recipe.model.base or 'new weights'}, {size.parameters / 1e6:.1f} M parameters, seed {recipe.seed}",
        f"knowledge base {', '.join(recipe.data.knowledge_base)}; train {', '.join(recipe.data.train)}",
        "",
        f"{'stage':<14}{'steps':>8}  {'batch = processes x accumulated x rows':<40}{'memory':>10}{'time':>12}",
    ]
    for plan in plans(recipe, processes, flops):
        memory = f"{plan.memory / _GIGABYTE:.1f} GB"
        steps = f"{'<=' if plan.at_most else ''}{plan.steps:,}"
        lines.append(f"{plan.name:<14}{steps:>8}  {plan.batch:<40}{memory:>10}{_duration(plan.seconds):>12}")
    lines += [
        "",
        f"Estimates: memory of one process from the shapes, for the longest inputs; time at {flops / 1e9:.0f} GFLOP/s, "
        f"just measured for one process, {_EFFICIENCY:.0%} of it in training. Preparing data and linking come on top.",
    ]
    return "\n".join(lines)


def measured_flops(seconds: float = 0.3) -> float:
    """Floating-point operations per second of this process in matrix products, on the device that would train."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    matrix = torch.randn(1024, 1024, device=device)
    done = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        # Reading a value synchronises with the device.
        float((matrix @ matrix)[0, 0])
        done += 1
    return done * 2 * 1024**3 / (time.perf_counter() - start)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
