"""The training of an encoder, which goes on where it was stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from angel_hf.arrays.array_file import fingerprint, open_arrays, save_arrays
from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.training.encoder.batches import Batches, Encode, Shares
from angel_hf.training.encoder.objective import nt_xent
from angel_hf.training.encoder.synonyms import Vocabulary
from angel_hf.training.encoder.table import Table

CHECKPOINT_FILE = "checkpoint.safetensors"

_LAST_RATE = 1e-6
_PARTS = ("vectors", "first", "second")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Training:
    """How an encoder is trained.

    Args:
        rows, dimensions: vectors for grams, and their numbers.
        steps: batches.
        batch_size: concepts in a batch, with two strings each.
        cluster: concepts that stand together in a batch, each with its nearest.
        learning_rate: of Adam after `warmup_steps`, from where it falls to nothing, evenly.
        temperature: of the loss.
        mine_steps: after as many steps neighbours are found anew, and a checkpoint is written.
        shares: what a batch is made of.
        seed: of vectors and batches.
    """

    rows: int = 1 << 16
    dimensions: int = 256
    steps: int = 3000
    batch_size: int = 512
    cluster: int = 4
    learning_rate: float = 2e-3
    temperature: float = 0.1
    warmup_steps: int = 100
    mine_steps: int = 1000
    shares: Shares = field(default_factory=Shares)
    seed: int = 1


def train(
    vocabulary: Vocabulary,
    how: Training,
    directory: Path,
    measure: Callable[[Encode], object] | None = None,
) -> SubwordEncoder:
    """Train an encoder; the same arguments give the same one, whether the training was stopped on its way or not.

    Args:
        vocabulary: what is learned.
        how: everything else.
        directory: of the checkpoint, which is removed at the end.
        measure: of an encoding function; what it returns is logged whenever neighbours are found anew.
    """
    torch.manual_seed(how.seed)
    table = Table(how.rows, how.dimensions)
    optimizer = torch.optim.SparseAdam(list(table.parameters()), how.learning_rate)
    batches = Batches(vocabulary, how.batch_size, how.cluster, how.shares, how.seed)
    checkpoint = _Checkpoint(directory / CHECKPOINT_FILE, repr((asdict(how), vocabulary)))
    done = checkpoint.restore(table, optimizer)
    for step in range(done, how.steps):
        if step % how.mine_steps == 0:
            if step > done:
                checkpoint.save(table, optimizer, step)
            batches.mine(table.encode)
            _logger.info("step %d%s", step, "" if measure is None else f": {measure(table.encode)}")
        first, second, same = batches.batch(step)
        optimizer.param_groups[0]["lr"] = _rate(how, step)
        optimizer.zero_grad()
        loss = nt_xent(table([*first, *second]), torch.from_numpy(same), how.temperature)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            _logger.info("step %d: loss %.4f", step, loss.item())
    checkpoint.path.unlink(missing_ok=True)
    return table.encoder()


def _rate(how: Training, step: int) -> float:
    warm = min(1.0, (step + 1) / how.warmup_steps)
    return how.learning_rate * warm * (1 - step / how.steps) + _LAST_RATE


class _Checkpoint:
    """The vectors and the optimiser's moments after a number of steps."""

    def __init__(self, path: Path, made_by: str) -> None:
        self.path = path
        self._made_by = fingerprint({}, made_by)

    def save(self, table: Table, optimizer: torch.optim.Optimizer, step: int) -> None:
        state = optimizer.state[table.vectors.weight]
        tensors = table.vectors.weight, state["exp_avg"], state["exp_avg_sq"]
        flat = {name: tensor.detach().numpy().reshape(-1) for name, tensor in zip(_PARTS, tensors)}
        save_arrays(self.path, flat | {"step": np.array([step])}, {"made_by": self._made_by})

    def restore(self, table: Table, optimizer: torch.optim.SparseAdam) -> int:
        """Put back what was saved; the number of steps that are done."""
        if not self.path.exists():
            return 0
        arrays, metadata = open_arrays(self.path, dict.fromkeys(_PARTS, np.float32) | {"step": np.int64})
        if metadata.get("made_by") != self._made_by:
            raise ValueError(f"{self.path}: is of another training; remove it, or train in another directory")
        weight, step = table.vectors.weight, int(arrays["step"][0])
        vectors, first, second = (torch.from_numpy(arrays[name].copy()).reshape(weight.shape) for name in _PARTS)
        with torch.no_grad():
            weight.copy_(vectors)
        optimizer.state[weight] = {"step": step, "exp_avg": first, "exp_avg_sq": second}
        _logger.info("goes on after step %d, by %s", step, self.path)
        return step
