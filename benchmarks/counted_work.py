"""Work counted, not timed: the same on every machine, however busy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.inference.packed.products import OpenBlasWeight

# Operators that multiply rows with a matrix, with the argument that holds the rows; the last dimension of these is
# summed over. oneDNN's are those of packed weights.
_LINEAR = {
    "aten::linear": 0,
    "aten::mm": 0,
    "aten::addmm": 1,
    "mkldnn::_linear_pointwise": 0,
    "mkl::_mkl_linear": 0,
}
# Attention where it is not one operator: batched products of matrices.
_BATCHED = {"aten::bmm": 0, "aten::baddbmm": 1}
_ATTENTION = "scaled_dot_product"


@dataclass(frozen=True)
class CountedWork:
    """What a search computed; a multiplication with its addition counts as two operations.

    Attributes:
        encoder_tokens, prefix_tokens: given to the encoder, and to the decoder before the first token of a name.
        step_rows: beams, or tokens fed ahead of them, that each pass of the decoder after the prefix was given, of all
            batches one after the other.
        step_mentions: mentions whose keys and values each step of the decoder still held.
        scored_rows: rows that the vocabulary was scored for, of each call.
        linear_operations: of linear layers and of the vocabulary's.
        attention_operations: of the products of attention, padding included.
        operator_calls: of torch, in all and within the decoder's steps.
        tensor_bytes: of every tensor that an operator allocated; views do not count.
    """

    encoder_tokens: int
    prefix_tokens: int
    step_rows: tuple[int, ...]
    step_mentions: tuple[int, ...]
    scored_rows: tuple[int, ...]
    linear_operations: int
    attention_operations: int
    operator_calls: int
    step_calls: int
    tensor_bytes: int

    @property
    def decoder_rows(self) -> int:
        """Rows that the decoder was given after the prefixes."""
        return sum(self.step_rows)

    @property
    def operations(self) -> int:
        """Floating-point operations of all matrix products."""
        return self.linear_operations + self.attention_operations


_Mode = TypeVar("_Mode", bound="OperatorMode")


class OperatorMode(TorchDispatchMode, ABC):
    """While entered, sees torch's operators, and numpy's products, which torch does not dispatch."""

    @abstractmethod
    def numpy_product(self, multiply: Callable[[], Tensor], rows: Tensor) -> Tensor:
        """Compute a product of rows by numpy; torch's operators may occur within it."""

    def __enter__(self: _Mode) -> _Mode:
        """Route numpy's products through `numpy_product`."""
        multiply = OpenBlasWeight.multiply

        def seen(weight: OpenBlasWeight, rows: Tensor, bias: Tensor | None) -> Tensor:
            return self.numpy_product(lambda: multiply(weight, rows, bias), rows)

        self._patch = mock.patch.object(OpenBlasWeight, "multiply", seen)
        self._patch.start()
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        """Restore numpy's products."""
        super().__exit__(*raised)
        self._patch.stop()


class OperatorCounter(OperatorMode):
    """While entered, counts torch's operators with their operations and the memory of their results."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.linear_operations = self.attention_operations = self.tensor_bytes = 0

    @property
    def operations(self) -> int:
        """Floating-point operations of all matrix products."""
        return self.linear_operations + self.attention_operations

    def numpy_product(self, multiply: Callable[[], Tensor], rows: Tensor) -> Tensor:
        """Count a product with its bias and its views of tensors as one operator, like torch's."""
        calls = self.calls
        result = multiply()
        self.calls = calls + 1
        self.linear_operations += 2 * result.numel() * rows.shape[-1]
        self.tensor_bytes += result.nbytes
        return result

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator, and count it."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func._schema.name
        self.calls += 1
        self.tensor_bytes += _new_bytes(result, (args, kwargs))
        if name in _LINEAR:
            self.linear_operations += 2 * result.numel() * args[_LINEAR[name]].shape[-1]
        elif name in _BATCHED:
            self.attention_operations += 2 * result.numel() * args[_BATCHED[name]].shape[-1]
        elif name == "aten::matmul":
            rows, columns = args
            operations = 2 * result.numel() * rows.shape[-1]
            if columns.dim() > 2:
                self.attention_operations += operations
            else:
                self.linear_operations += operations
        elif _ATTENTION in name:
            query, key, value = args[:3]
            pairs = query.shape[:-1].numel() * key.shape[-2]
            self.attention_operations += 2 * pairs * (query.shape[-1] + value.shape[-1])
        return result


def _new_bytes(result: Any, arguments: Any) -> int:
    """Bytes of the storages of `result` that none of `arguments` has."""
    given = {storage.data_ptr() for storage in _storages(arguments)}
    made = {storage.data_ptr(): storage.nbytes() for storage in _storages(result)}
    return sum(size for pointer, size in made.items() if pointer not in given)


def _storages(values: Any) -> list[torch.UntypedStorage]:
    """Of all tensors but packed weights, which hide theirs and are created once."""
    tensors = [value for value in tree_leaves(values) if isinstance(value, Tensor)]
    return [tensor.untyped_storage() for tensor in tensors if tensor.layout == torch.strided]


def count_work(search: Callable[[], object]) -> CountedWork:
    """Count the work of all searches that a function makes with models of this library.

    Args:
        search: calls `link` or `search` of a model, once or more.
    """
    passes, counter = _Passes(), OperatorCounter()
    with _recording(passes, counter), counter:
        search()
    return CountedWork(
        encoder_tokens=passes.encoder_tokens,
        prefix_tokens=passes.prefix_tokens,
        step_rows=tuple(passes.step_rows),
        step_mentions=tuple(passes.step_mentions),
        scored_rows=tuple(passes.scored_rows),
        linear_operations=counter.linear_operations,
        attention_operations=counter.attention_operations,
        operator_calls=counter.calls,
        step_calls=passes.step_calls,
        tensor_bytes=counter.tensor_bytes,
    )


def count_operators(task: Callable[[], object]) -> OperatorCounter:
    """Count the operators of anything that computes with torch."""
    counter = OperatorCounter()
    with counter:
        task()
    return counter


@dataclass
class _Passes:
    """The inputs of the passes of the packed engine."""

    encoder_tokens: int = 0
    prefix_tokens: int = 0
    step_rows: list[int] = field(default_factory=list)
    step_mentions: list[int] = field(default_factory=list)
    scored_rows: list[int] = field(default_factory=list)
    step_calls: int = 0


@contextmanager
def _recording(passes: _Passes, counter: OperatorCounter) -> Iterator[None]:
    """Record in `passes` the input of every pass of any packed engine."""
    encode, start, logprobs = PackedEngine.encode, PackedEngine.start, PackedDecoder.logprobs

    def recorded_encode(engine: PackedEngine, source_ids: Sequence[Sequence[int]]) -> Any:
        passes.encoder_tokens += sum(map(len, source_ids))
        return encode(engine, source_ids)

    def recorded_start(
        engine: PackedEngine, sources: Any, prefix_ids: Sequence[Sequence[int]], num_beams: int
    ) -> PackedDecoder:
        passes.prefix_tokens += sum(map(len, prefix_ids))
        return start(engine, sources, prefix_ids, num_beams)

    def recorded(step: Callable[..., None], rows: Callable[[Any], int]) -> Callable[..., None]:
        def recorded_step(decoder: PackedDecoder, first: Any, *rest: Any) -> None:
            passes.step_rows.append(rows(first))
            passes.step_mentions.append(len(decoder.state.positions))
            before = counter.calls
            step(decoder, first, *rest)
            passes.step_calls += counter.calls - before

        return recorded_step

    def recorded_logprobs(decoder: PackedDecoder, *arguments: Any) -> Any:
        passes.scored_rows.append(len(decoder.hidden))
        return logprobs(decoder, *arguments)

    decoder: dict[str, Any] = {
        "logprobs": recorded_logprobs,
        "step": recorded(PackedDecoder.step, lambda step: len(step.token_id)),
        "step_tree": recorded(PackedDecoder.step_tree, len),
    }
    with (
        mock.patch.multiple(PackedEngine, encode=recorded_encode, start=recorded_start),
        mock.patch.multiple(PackedDecoder, **decoder),
    ):
        yield
