"""Weights from a checkpoint: never by running a pickle nor beyond what its files hold, with an adapter if it is one."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from angel_hf.arrays.sealed_file import refuse_damaged
from angel_hf.jobs.readable import UNFORESEEN, parse_json, read_json_object
from angel_hf.model.checkpoint import Checkpoint
from angel_hf.model.configuration_angel import AngelConfig

# In the order in which transformers looks for them: in one file, or in several that an index names.
_WEIGHTS = (
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
_ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_SIZES = (
    "vocab_size", "d_model", "max_position_embeddings", "encoder_layers", "encoder_ffn_dim", "encoder_attention_heads",
    "decoder_layers", "decoder_ffn_dim", "decoder_attention_heads",
)  # fmt: skip
_AGAIN = "fetch it again with force_download=True"


def check_weights(checkpoint: Checkpoint, config: AngelConfig) -> None:
    """Refuse damaged weights, and a configuration that asks for more memory than they can fill.

    transformers makes the parameters that the files lack, however many the configuration asks for.

    Raises:
        ValueError: a file cannot be read, or the configuration has more parameters than the files have bytes.
        FileNotFoundError: a file that an index names is missing.
    """
    for name in _SIZES:
        if (value := getattr(config, name)) is None or value < 1:
            raise ValueError(f"{checkpoint.path}: config.json has {name} {value}; expected 1 or more")
    files = _weight_files(checkpoint)
    size = sum(map(_checked_size, files))
    if files and (least := _parameters(config)) > size:
        raise ValueError(
            f"{checkpoint.path}: config.json asks for {least:,} parameters or more, but {files[0].name} "
            f"{'has' if len(files) == 1 else 'and the others have'} {size:,} bytes; one of the two is damaged: fetch "
            "them again with force_download=True"
        )


def refuse_missing(path: str, missing: Iterable[str]) -> None:
    """Refuse weights that lack parameters, which transformers would make up at random.

    Raises:
        ValueError: there are such; a bias of zeros, which not every BART stores, is none.
    """
    names = sorted(set(missing) - {"final_logits_bias"})
    if names:
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ValueError(
            f"{path}: its weights lack {len(names)} of the parameters that config.json asks for ({some}); they are "
            "damaged or another model's: fetch both again with force_download=True"
        )


def refuse_non_finite(path: str, model: torch.nn.Module) -> None:
    """Refuse weights with a NaN or an infinity, of which one spoils every score.

    Raises:
        ValueError: there is such a parameter; it is named.
    """
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and not parameter.is_meta and not torch.isfinite(parameter).all():
            raise ValueError(
                f"{path}: the parameter {name} holds a number that is not finite; the weights are damaged or their "
                f"training failed: {_AGAIN}"
            )


@contextmanager
def pickles_refused(path: str) -> Iterator[None]:
    """Say in plain words what torch refuses: weights that are a pickle of more than tensors."""
    try:
        yield
    except UnpicklingError as error:
        raise ValueError(
            f"{path}: its weights are a pickle of more than tensors, which could run any code, and was refused; ask "
            "the author for weights in safetensors"
        ) from error


@contextmanager
def other_shapes_refused(path: str) -> Iterator[None]:
    """Say in plain words where weights do not have the shapes of their configuration."""
    try:
        yield
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        raise ValueError(
            f"{path}: weights of other shapes than config.json tells; one of the two is damaged or of another model: "
            "fetch both again with force_download=True"
        ) from None


def with_adapter(model: Any, checkpoint: Checkpoint) -> Any:
    """A model with the adapter of a checkpoint in place; `model` may come with its loading information.

    Raises:
        ValueError: the adapter's weights are damaged, or its configuration asks for more than they can fill.
        ImportError: peft is not installed.
    """
    changed, *_ = model if isinstance(model, tuple) else (model,)
    _check_adapter(checkpoint, changed.config.d_model)
    hub = {name: value for name, value in checkpoint.hub.items() if name != "subfolder"}
    try:
        changed.load_adapter(checkpoint.path, adapter_kwargs=hub)
    except ImportError as error:
        raise ImportError("adapters need peft: pip install peft") from error
    return model


def _check_adapter(checkpoint: Checkpoint, width: int) -> None:
    """Refuse ranks for which the file is too small: one of the two matrices is as wide as the model."""
    file = next(filter(None, map(checkpoint.file, _ADAPTER_WEIGHTS)), None)
    values = read_json_object(checkpoint.required("adapter_config.json", _AGAIN), f"the file is damaged: {_AGAIN}")
    ranks = [values.get(name) for name in ("r", "init_r", "target_r")]
    ranks += (values.get("rank_pattern") or {}).values()
    rank = max((rank for rank in ranks if isinstance(rank, int)), default=0)
    if file is not None and rank * width > (size := _checked_size(Path(file))):
        raise ValueError(
            f"{checkpoint.path}: adapter_config.json asks for a rank of {rank:,}, but {Path(file).name} has {size:,} "
            "bytes; one of the two is damaged: fetch them again with force_download=True"
        )


def _weight_files(checkpoint: Checkpoint) -> list[Path]:
    """The files that transformers takes weights from; none where it will find none."""
    for single, index in _WEIGHTS:
        if (file := checkpoint.file(single)) is not None:
            return [Path(file)]
        if (file := checkpoint.file(index)) is not None:
            return [Path(checkpoint.required(name, _AGAIN)) for name in _named_in(file)]
    return []


def _named_in(index: str) -> list[str]:
    """The files that an index of weights names, each once."""
    try:
        names = sorted(set(parse_json(Path(index).read_bytes())["weight_map"].values()))
    except (ValueError, *UNFORESEEN) as error:
        raise ValueError(f"{index}: no index of weights ({error!r}), the file is damaged; {_AGAIN}") from error
    for name in names:
        if not name or Path(name).name != name or "\\" in name:
            raise ValueError(f"{index}: names the file {name!r}; expected files that lie beside it")
    return names


def _checked_size(file: Path) -> int:
    """Bytes of a file of weights, which must be readable and not compressed.

    Raises:
        ValueError: it is not.
    """
    size = file.stat().st_size
    if file.suffix == ".safetensors":
        try:
            with safe_open(file, framework="pt"):
                pass
        except SafetensorError as error:
            raise ValueError(f"{file}: not a readable safetensors file ({error}); {_AGAIN}") from error
        refuse_damaged(file, _AGAIN)
    elif zipfile.is_zipfile(file):
        # torch stores what it writes; packed, a small file could hold any amount.
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > size:
            raise ValueError(
                f"{file}: has {size:,} bytes that unpack to {unpacked:,}; expected tensors as torch.save writes them, "
                "not compressed: ask the author for weights in safetensors"
            )
    return size


def _parameters(config: AngelConfig) -> int:
    """How many parameters the large matrices of BART have."""
    width = config.d_model
    encoder = config.encoder_layers * (4 * width + 2 * config.encoder_ffn_dim) * width
    decoder = config.decoder_layers * (8 * width + 2 * config.decoder_ffn_dim) * width
    return (config.vocab_size + 2 * config.max_position_embeddings) * width + encoder + decoder
