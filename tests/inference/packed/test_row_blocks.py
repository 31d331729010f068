"""Rows of mentions in blocks of equal width, and back."""

import numpy as np
import torch

from angel_hf.inference.packed.row_blocks import RowBlocks

MENTIONS, COLUMNS = np.array([0, 0, 2, 2, 2]), np.array([0, 2, 0, 1, 3])


def test_rows_come_back_and_none_gets_to_another_mention():
    blocks = RowBlocks(MENTIONS, COLUMNS, 3, 4, multiple=4)
    rows = torch.arange(5.0)[blocks.rows]
    assert blocks.rows.tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    block = blocks.spread(rows)
    assert block[0].tolist() == [0, 0, 1, 0]
    assert block[2].tolist() == [2, 3, 2, 4]
    assert torch.equal(blocks.gather(block), rows)


def test_a_region_is_filled_whatever_was_there():
    region = torch.full((3, 5), torch.nan)
    RowBlocks(MENTIONS, COLUMNS, 3, 4).write(region, torch.arange(5.0))
    assert region[0].tolist() == [0, 0, 1, 0, 0] and region[2].tolist() == [2, 3, 2, 4, 0]
    assert not region.isnan().any()


def test_full_blocks_are_a_view():
    blocks = RowBlocks(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), 2, 2, multiple=8)
    rows = torch.arange(4.0)
    assert blocks.spread(rows).data_ptr() == rows.data_ptr()
    assert torch.equal(blocks.gather(blocks.spread(rows)), rows)
