"""Weights that use the files of another model: the result of one stage of training, without another copy of the names.

    python -m angel_hf.training.weights_only --weights OUT/base --files-of angel-mini \\
        --out angel_hf/assets/angel-mini-positive

writes the weights in half precision and a configuration that names the model whose shape, tokenizer, knowledge base
and trie they use. `from_pretrained` loads the directory like any other.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from angel_hf.arrays.array_file import written_whole
from angel_hf.jobs.text_file import write_json
from angel_hf.model.checkpoint import Checkpoint
from angel_hf.model.configuration_angel import AngelConfig

_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
_logger = logging.getLogger(__name__)


def write_weights_only(weights: Path, files_of: str, out: Path) -> None:
    """Write a model's weights without its other files.

    Args:
        weights: directory of a model, or of a finished stage of a training.
        files_of: the model whose other files they use: the name of an embedded one, a directory, or a Hub repository,
            optionally with "@" and its revision.
        out: directory to write to.

    Raises:
        ValueError: the weights differ from that model's in shape, or were trained with another tokenizer.
        FileNotFoundError: one of the two has no `model.safetensors`.
    """
    ours, theirs = Checkpoint(weights, None, {}), Checkpoint.named(files_of, {})
    fix = "expected a model, or a finished stage of a training"
    tensors = load_file(ours.required(_WEIGHTS, fix))
    expected = load_file(theirs.required(_WEIGHTS, fix))
    for name in sorted(tensors.keys() | expected.keys()):
        shapes = [tuple(given[name].shape) if name in given else None for given in (tensors, expected)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{weights}: {name} is {shapes[0]}, in {files_of} {shapes[1]}; expected weights of the same shape: "
                "name the model that was trained from them"
            )
    _check_tokenizers(ours, theirs)
    halves = {name: tensor.to(torch.float16) for name, tensor in tensors.items()}
    with written_whole(out / _WEIGHTS) as temporary:
        save_file(halves, temporary, metadata={"format": "pt"})
    values = {"model_type": AngelConfig.model_type, "files_of": files_of}
    write_json(out / _CONFIG, values)


def _check_tokenizers(ours: Checkpoint, theirs: Checkpoint) -> None:
    """Refuse different tokenizers, if both checkpoints record theirs: equal shapes prove nothing about ids."""
    fingerprints = [one.config().tokenizer_fingerprint for one in (ours, theirs)]
    if None not in fingerprints and fingerprints[0] != fingerprints[1]:
        raise ValueError(
            f"{ours.path}: its tokenizer (fingerprint {str(fingerprints[0])[:12]}) is not that of {theirs.path} "
            f"({str(fingerprints[1])[:12]}); expected weights that were trained with the same one"
        )


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write weights that go with the files of another model.")
    parser.add_argument("--weights", type=Path, required=True, help="directory of a model or of a finished stage")
    parser.add_argument("--files-of", required=True, help="embedded model, directory or Hub repository")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_weights_only(options.weights, options.files_of, options.out)
    _logger.info("wrote %s: weights that go with the files of %s", options.out, options.files_of)


if __name__ == "__main__":
    main()
