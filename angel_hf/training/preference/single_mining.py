"""Preference pairs of a finished model, outside of training."""

from __future__ import annotations

from pathlib import Path

from accelerate import PartialState

from angel_hf import AngelForEntityLinking
from angel_hf.training.preference.mining import mine_mentions, mine_names, name_mentions
from angel_hf.training.preference.pairs_file import PAIRS_FILE, MinedPair, write_card, write_pairs
from angel_hf.training.recipes.schema import Mining, Recipe
from angel_hf.training.stage.materials import Materials


def mine_with(model: AngelForEntityLinking, model_name: str, recipe: Recipe, data: Path, output: Path) -> int:
    """Write the preference pairs of a model on a recipe's corpus and knowledge base, with a dataset card.

    Args:
        model: links the mentions; it gets the recipe's knowledge base, and is moved to the GPU if there is one.
        model_name: for the card.
        recipe: its [preference.mining], or the defaults, say where the pairs come from.
        data: directory that the recipe's paths are relative to.
        output: directory of the file and the card.

    Returns:
        the number of pairs.

    Raises:
        ValueError: the recipe has "cross-fitted" pairs, or the model has no processor.
        FileNotFoundError: a file of the recipe is missing.
    """
    mining = recipe.preference.mining if recipe.preference is not None else Mining()
    if "cross-fitted" in mining.sources:
        raise ValueError(
            '"cross-fitted" pairs come from models that are trained for them: run `angel train` with this recipe, or '
            "mine with --set 'preference.mining.sources=[\"train\"]'"
        )
    if model.processor is None:
        raise ValueError(f"{model_name}: the model has no processor to read mentions with")
    materials = Materials(recipe, data, output)
    model.to(PartialState().device).set_knowledge_base(materials.knowledge_base)
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
