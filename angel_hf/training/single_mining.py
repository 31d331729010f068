"""Preference pairs of a finished model, outside of training."""

from __future__ import annotations

from pathlib import Path

from accelerate import PartialState

from angel_hf import AngelForEntityLinking
from angel_hf.training.materials import Materials
from angel_hf.training.mining import mine_mentions, mine_names, name_mentions
from angel_hf.training.preference_file import PAIRS_FILE, MinedPair, write_card, write_pairs
from angel_hf.training.recipe import Mining, Recipe


def mine_with(model: AngelForEntityLinking, model_name: str, recipe: Recipe, data: Path, output: Path) -> int:
    """Write the pairs that a model gives on a recipe's corpus and knowledge base, with a dataset card.

    Args:
        model: that links; its processor reads the mentions, its names are replaced by the recipe's, and it is moved to
            the GPU where there is one.
        model_name: told in the card.
        recipe: whose [preference.mining], or that of [pretraining_preference], or the defaults, say where the pairs
            come from.
        data: directory that the recipe's paths are below.
        output: directory of the file and the card.

    Returns:
        the number of pairs.

    Raises:
        ValueError: "cross-fitted" pairs are asked for; the model has no processor.
        FileNotFoundError: a file of the recipe is not there.
    """
    stage = recipe.preference or recipe.pretraining_preference
    mining = stage.mining if stage is not None else Mining()
    if "cross-fitted" in mining.sources:
        raise ValueError(
            '"cross-fitted" pairs come from models that are trained for them: run `angel train` with this recipe, or '
            "mine with --set 'preference.mining.sources=[\"train\"]'"
        )
    if model.processor is None:
        raise ValueError(f"{model_name}: the model has no processor to read mentions with")
    materials = Materials(recipe, data, output)
    model.to(PartialState().device).set_knowledge_base(materials.linking_knowledge_base)
    mined: list[MinedPair] = []
    for source in mining.sources:
        if source == "knowledge-base":
            sampled = name_mentions(materials.concept_names, mining.names, recipe.seed)
            mined += mine_names(model, sampled, materials.concept_names, mining, source)
        else:
            mined += mine_mentions(model, materials.learned, materials.concept_names, mining, source)
    output.mkdir(parents=True, exist_ok=True)
    write_pairs(output / PAIRS_FILE, mined, model.processor)
    write_card(output, f"Preference pairs of {model_name}", f"Mined by `angel mine` with the recipe {recipe.name}.")
    return len(mined)
