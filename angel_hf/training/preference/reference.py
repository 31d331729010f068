"""The reference of preference training: log-probabilities under the model before it."""

from __future__ import annotations

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset
from torch import nn

from angel_hf.training.data.encoding import costs
from angel_hf.training.preference.batches import REFERENCE_COLUMNS, PreferenceCollator, name_log_probabilities


def with_reference(
    model: nn.Module, rows: Dataset, collator: PreferenceCollator, bf16: bool = False, batch_size: int = 64
) -> Dataset:
    """The rows with REFERENCE_COLUMNS: log-probabilities of their names under the model in its present state.

    Processes share the work, and each gets the whole result. `bf16` must be that of training, so that rounding does
    not look like a preference.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    # Rows of similar length share a batch, since padding costs as much as a name.
    state = PartialState()
    own = costs(rows).argsort(kind="stable").tolist()[state.process_index :: state.num_processes]
    found: list[tuple[int, float, float]] = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for first in range(0, len(own), batch_size):
            places = own[first : first + batch_size]
            batch = collator(rows.select(places).to_list())
            sums, _ = name_log_probabilities(model, {name: tensor.to(device) for name, tensor in batch.items()})
            found += zip(places, *(side.tolist() for side in sums.float().chunk(2)), strict=True)
    model.train(training)
    _, *columns = zip(*sorted(gather_object(found)), strict=True)
    for column, values in zip(REFERENCE_COLUMNS, columns, strict=True):
        rows = rows.add_column(column, list(values))
    return rows
