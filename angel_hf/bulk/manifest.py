"""What a run's shards are made with, beside them: a run goes on only with the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import torch

import angel_hf
from angel_hf.arrays.array_file import fingerprint
from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Options
from angel_hf.bulk.output import LINKED, REJECTED
from angel_hf.bulk.storage import Storage
from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.jobs.claim import differences
from angel_hf.model.entity_linking import AngelForEntityLinking

MANIFEST = "manifest.json"
_FORMAT = "angel-bulk-1"
_NOTED = "loaded_from"
# Of a configuration, what its answers do not depend on: where it is from, and what it was made with.
_ORIGIN = ("_name_or_path", "architectures", "auto_map", "custom_pipelines", "transformers_version")


def model_fingerprints(model: AngelForEntityLinking) -> dict[str, Any]:
    """What decides a model's answers: SHA-256 of weights, tokenizer, names and allowed concepts, and all settings.

    Devices and processors are no part of it: between these, scores differ in their last digits.

    Raises:
        RuntimeError: the model has no processor or no knowledge base.
    """
    if model.processor is None or model.knowledge_base is None:
        raise RuntimeError("the model has no knowledge base to link to; name one with --knowledge-base")
    processor = model.processor
    # Viewed as bytes, since numpy lacks some number formats.
    weights = {
        name: tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
        for name, tensor in (model.state_dict() | _int8_scales(model)).items()
    }
    return {
        "weights": fingerprint(weights),
        "config": {name: value for name, value in model.config.to_dict().items() if name not in _ORIGIN},
        "tokenizer": processor.fingerprint,
        "knowledge_base": model.knowledge_base.fingerprint,
        "processor": {
            name: getattr(processor, name)
            for name in ("mention_start", "mention_end", "prefix_template", "normalization", "max_source_length")
        },
        "allowed_concepts": _digest(model.allowed_concepts),
        "confidence": None if model.confidence is None else asdict(model.confidence),
    }


def _int8_scales(model: AngelForEntityLinking) -> dict[str, torch.Tensor]:
    """What tells layers of 8-bit integers apart; the integers themselves are laid out as the processor wants them."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Int8Linear)}
    return {f"{name}.{own}": getattr(layer, own) for name, layer in layers.items() for own in ("weight_scale", "bias")}


def _digest(concepts: frozenset[str] | None) -> str | None:
    """SHA-256 of concepts in any order; None where all are allowed."""
    return None if concepts is None else hashlib.sha256(json.dumps(sorted(concepts)).encode()).hexdigest()


def manifest(model: dict[str, Any], loaded_from: str, options: Options, inputs: InputFiles) -> dict[str, Any]:
    """The manifest of a run: all that its shards depend on.

    Files are known by name, size and number of rows and a detector by its name: what is in them is not compared.

    Args:
        model: from `model_fingerprints`.
        loaded_from: where the model was, for people; the same one may be elsewhere when the run goes on.
        options: of the run.
        inputs: its files; they may move, but not change.
    """
    files = {file.name: {"bytes": file.size, "rows": file.rows} for file in inputs.files}
    values = {
        "format": _FORMAT,
        "angel_hf": angel_hf.__version__,
        _NOTED: loaded_from,
        "model": model,
        "options": asdict(options),
        "inputs": files,
    }
    return json.loads(json.dumps(values))


def claim(output: Storage, wanted: dict[str, Any]) -> None:
    """Note in a folder whose work it holds; a run that was stopped before its first shard holds none.

    Raises:
        ValueError: it holds the work of another run, the first difference is named; or other things than a run's.
    """
    stored = output.read(MANIFEST)
    if stored is None:
        if any(output.names(folder) for folder in ("", LINKED, REJECTED)):
            raise ValueError(
                f"{output.location}: holds files, but no {MANIFEST} of a run; name an empty or new folder with --output"
            )
        _note(output, wanted)
        return
    found = json.loads(stored)
    differing = list(differences(found, wanted | {_NOTED: found.get(_NOTED)}))
    if not differing:
        return
    if any(output.names(folder) for folder in (LINKED, REJECTED)):
        key, before, now = differing[0]
        raise ValueError(
            f"{output.location} holds the work of another run: {key} was {before!r:.200} and is {now!r:.200}; "
            "name another --output, or remove that folder to start anew"
        )
    _note(output, wanted)


def _note(output: Storage, wanted: dict[str, Any]) -> None:
    output.write(MANIFEST, (json.dumps(wanted, indent=2, ensure_ascii=False) + "\n").encode())
