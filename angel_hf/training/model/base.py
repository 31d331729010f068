"""The checkpoint that a recipe starts from: a model of this package, or any BART."""

from __future__ import annotations

from transformers import BartConfig, PreTrainedTokenizerBase

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor
from angel_hf.model.checkpoint import Checkpoint
from angel_hf.training.data.word_pieces import MARKERS
from angel_hf.training.model.bart import AngelBart
from angel_hf.training.model.pretrained_encoder import encoder_shape
from angel_hf.training.recipes.schema import Model, Recipe, Shape

# Values of an AngelConfig that a plain BartConfig has no place for, or that name the class.
_NOT_BARTS = ("prefix_end_token_id", "model_type", "architectures", "auto_map")

_CONFIG_NAMES = {
    "vocabulary_size": "vocab_size",
    "d_model": "d_model",
    "encoder_layers": "encoder_layers",
    "decoder_layers": "decoder_layers",
    "attention_heads": "encoder_attention_heads",
    "ffn_dim": "encoder_ffn_dim",
    "max_positions": "max_position_embeddings",
}
"""Size in a Shape -> its name in BART's configuration."""


def shape_of(model: Model) -> Shape:
    """The shape of a recipe's model: the recipe's, completed from the checkpoint.

    Raises:
        OSError: the shape is left to the checkpoint, and that is unavailable.
    """
    if model.shape is not None:
        return model.shape
    if model.encoder is not None:
        return encoder_shape(model)
    config = _whole(model).config()
    sizes = {key: getattr(config, name) for key, name in _CONFIG_NAMES.items()}
    return Shape(**sizes, max_source_length=model.max_source_length or config.max_position_embeddings)


def base_model(model: Model) -> AngelBart:
    """The checkpoint's weights in a plain BART, with the recipe's dropout.

    Raises:
        ValueError: the checkpoint's shape differs from the recipe's.
        OSError: the checkpoint is unavailable.
    """
    assert model.base is not None, "a new model has no checkpoint"
    loaded = AngelForEntityLinking.from_pretrained(model.base, tokenizer=model.tokenizer)
    _check_shape(model, loaded.config)
    values = {key: value for key, value in loaded.config.to_dict().items() if key not in _NOT_BARTS}
    # The authors' code sets the first two and leaves the third.
    activation = loaded.config.activation_dropout if model.dropout else 0.0
    values |= {"dropout": model.dropout, "attention_dropout": model.dropout, "activation_dropout": activation}
    plain = AngelBart(BartConfig.from_dict(values))
    plain.load_state_dict(loaded.state_dict())
    return plain


def base_processor(recipe: Recipe) -> AngelProcessor:
    """The checkpoint's processor with the recipe's normalisation and source length.

    Raises:
        ValueError: the recipe's lengths exceed the checkpoint's positions.
        OSError: the checkpoint or its tokenizer is unavailable.
    """
    model = recipe.model
    checkpoint = _whole(model)
    positions = checkpoint.config().max_position_embeddings
    model.check_lengths(positions)
    saved = checkpoint.processor(model.tokenizer, positions)
    return AngelProcessor(
        saved.tokenizer,
        mention_start=saved.mention_start,
        mention_end=saved.mention_end,
        prefix_template=saved.prefix_template,
        normalization=recipe.data.normalization,
        max_source_length=model.max_source_length or saved.max_source_length,
        folding=saved.folding,
    )


def new_processor(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> AngelProcessor:
    """The processor of a new model, which reads text folded."""
    assert recipe.model.max_source_length is not None, "a new model's recipe has been checked for it"
    markers: dict[str, str] = {}
    if recipe.model.encoder is not None:
        markers = dict(zip(("mention_start", "mention_end"), MARKERS))
    return AngelProcessor(
        tokenizer,
        normalization=recipe.data.normalization,
        max_source_length=recipe.model.max_source_length,
        folding=True,
        **markers,
    )


def _whole(model: Model) -> Checkpoint:
    """The checkpoint with all files: the base, or the model whose files its weights use."""
    checkpoint = Checkpoint(model.base or "", None, {})
    return checkpoint.companion(checkpoint.config())


def _check_shape(model: Model, config: AngelConfig) -> None:
    for key, name in _CONFIG_NAMES.items():
        given, found = getattr(model, key), getattr(config, name)
        # Some checkpoints of one shape have an enlarged vocabulary.
        if given is not None and given != found and key != "vocabulary_size":
            raise ValueError(f"{model.base}: {key} is {found}; the recipe's [model] says {given}")
