"""What a run's shards are made with, beside them: a run goes on only with the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import torch

import angel_hf
from angel_hf.array_file import fingerprint
from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.job import Options
from angel_hf.bulk.output import LINKED, REJECTED
from angel_hf.bulk.storage import Storage
from angel_hf.claim import differences
from angel_hf.modeling_angel import AngelForEntityLinking

MANIFEST = "manifest.json"
_FORMAT = "angel-bulk-1"
_NOTED = "loaded_from"


def model_fingerprints(model: AngelForEntityLinking) -> dict[str, Any]:
    """What decides a model's answers: SHA-256 of weights, tokenizer and names, and the settings around them.

    Raises:
        RuntimeError: the model has no processor or no knowledge base.
    """
    if model.processor is None or model.knowledge_base is None:
        raise RuntimeError("the model has no knowledge base to link to; name one with --knowledge-base")
    processor = model.processor
    # Viewed as bytes, since numpy lacks some number formats.
    weights = {
        name: tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
        for name, tensor in model.state_dict().items()
    }
    return {
        "weights": fingerprint(weights),
        "tokenizer": processor.fingerprint,
        "knowledge_base": model.knowledge_base.fingerprint,
        "processor": {
            name: getattr(processor, name)
            for name in ("mention_start", "mention_end", "prefix_template", "normalization", "max_source_length")
        },
        "confidence": None if model.confidence is None else asdict(model.confidence),
    }


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
    """Note in a folder whose work it holds.

    Raises:
        ValueError: it holds the work of another run, the first difference is named; or other things than a run's.
    """
    stored = output.read(MANIFEST)
    if stored is None:
        if any(output.names(folder) for folder in ("", LINKED, REJECTED)):
            raise ValueError(
                f"{output.location}: holds files, but no {MANIFEST} of a run; name an empty or new folder with --output"
            )
        output.write(MANIFEST, (json.dumps(wanted, indent=2, ensure_ascii=False) + "\n").encode())
        return
    found = json.loads(stored)
    for key, before, now in differences(found, wanted | {_NOTED: found.get(_NOTED)}):
        raise ValueError(
            f"{output.location} holds the work of another run: {key} was {before!r:.200} and is {now!r:.200}; "
            "name another --output, or remove that folder to start anew"
        )
