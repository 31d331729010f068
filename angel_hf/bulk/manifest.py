"""What a run's shards are made with, kept beside them: a run is resumed only with the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import torch

from angel_hf.arrays.array_file import fingerprint
from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Options
from angel_hf.bulk.output import LINKED, MANIFEST, REJECTED, Claim
from angel_hf.bulk.storage import Storage
from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.jobs.claim import differences
from angel_hf.jobs.readable import parse_json, readable
from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.version import __version__

_FORMAT = "angel-bulk-3"
_LOADED_FROM = "loaded_from"
# Keys of a configuration that the answers do not depend on: its origin and its makers.
_ORIGIN = ("_name_or_path", "architectures", "auto_map", "custom_pipelines", "transformers_version")


def model_fingerprints(model: AngelForEntityLinking) -> dict[str, Any]:
    """All that a model's answers depend on: SHA-256 of weights, tokenizer, names and allowed concepts, and settings.

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
            for name in (
                "mention_start",
                "mention_end",
                "prefix_template",
                "normalization",
                "max_source_length",
                "folding",
            )
        },
        "allowed_concepts": _digest(model.allowed_concepts),
        "confidence": None if model.confidence is None else asdict(model.confidence),
        "ranking": None if model.ranking is None else model.ranking.digest,
    }


def _int8_scales(model: AngelForEntityLinking) -> dict[str, torch.Tensor]:
    """The scales of layers of 8-bit integers; the layout of the integers themselves depends on the processor."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Int8Linear)}
    return {f"{name}.{own}": getattr(layer, own) for name, layer in layers.items() for own in ("weight_scale", "bias")}


def _digest(concepts: frozenset[str] | None) -> str | None:
    """SHA-256 of concepts in any order; None where all are allowed."""
    return None if concepts is None else hashlib.sha256(json.dumps(sorted(concepts)).encode()).hexdigest()


def manifest(model: dict[str, Any], loaded_from: str, options: Options, inputs: InputFiles) -> dict[str, Any]:
    """The manifest of a run: all that its shards depend on.

    Files are known by name, size and number of rows and a detector by its name: their contents are not compared.

    Args:
        model: from `model_fingerprints`.
        loaded_from: where the model was, for people; the same one may be elsewhere when the run is resumed.
        options: of the run.
        inputs: its files; they may move, but not change.
    """
    files = {file.name: {"bytes": file.size, "rows": file.rows} for file in inputs.files}
    values = {
        "format": _FORMAT,
        "angel_hf": __version__,
        _LOADED_FROM: loaded_from,
        "model": model,
        "options": asdict(options) | {"search": _named(options.search)},
        "inputs": files,
    }
    return json.loads(json.dumps(values, allow_nan=False))


def _named(search: Any) -> dict[str, Any]:
    """A search as JSON: its name, and what it is made of."""
    parts = {field.name: getattr(search, field.name) for field in fields(search)}
    return {"name": type(search).__name__} | {
        name: _named(value) if is_dataclass(value) else value for name, value in parts.items()
    }


def claim(output: Storage, expected: dict[str, Any]) -> Claim:
    """Write the manifest into a folder, or compare it with the one there; a run without a shard may be replaced.

    Raises:
        ValueError: the folder holds the work of another run, and the first difference is named; or files of no run.
    """
    stored = output.read(MANIFEST)
    if stored is None:
        if any(output.names(folder) for folder in ("", LINKED, REJECTED)):
            raise ValueError(
                f"{output.location}: holds files, but no {MANIFEST} of a run; name an empty or new folder with --output"
            )
        return _write(output, expected)
    with readable(output.path(MANIFEST), "remove that folder to start anew, or name another --output"):
        found = parse_json(stored)
        differing = list(differences(found, expected | {_LOADED_FROM: found.get(_LOADED_FROM)}))
    if not differing:
        return Claim(_run(expected), stored)
    if any(output.names(folder) for folder in (LINKED, REJECTED)):
        key, before, now = differing[0]
        raise ValueError(
            f"{output.location} holds the work of another run: {key} was {before!r:.200} and is {now!r:.200}; "
            "name another --output, or remove that folder to start anew"
        )
    return _write(output, expected)


def _write(output: Storage, expected: dict[str, Any]) -> Claim:
    manifest = (json.dumps(expected, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    output.write(MANIFEST, manifest)
    return Claim(_run(expected), manifest)


def _run(expected: dict[str, Any]) -> str:
    matters = {key: value for key, value in expected.items() if key != _LOADED_FROM}
    return hashlib.sha256(json.dumps(matters, sort_keys=True).encode()).hexdigest()
