"""Memory that was given back is given out again where it is large enough, and never to two at once."""

import pytest
import torch

from angel_hf.inference.packed.workspace import Workspace


def test_memory_is_used_again_by_whatever_fits():
    workspace, like = Workspace(), torch.zeros(1)
    first = workspace.take((3, 4), like)
    where = first.data_ptr()
    # A view of the beginning stands for all of the memory.
    workspace.give_back([first[:1]])
    again = workspace.take((2, 5), like)
    assert again.data_ptr() == where and again.shape == (2, 5)
    other = workspace.take((2, 5), like)
    assert other.data_ptr() != where
    workspace.give_back([again, other])
    larger = workspace.take((100,), like)
    assert larger.data_ptr() != where and len(larger) == 100


def test_the_largest_is_given_out_first():
    workspace, like = Workspace(), torch.zeros(1)
    small, large = workspace.take((2,), like), workspace.take((9,), like)
    pointers = small.data_ptr(), large.data_ptr()
    workspace.give_back([small, large])
    assert (workspace.take((9,), like).data_ptr(), workspace.take((2,), like).data_ptr()) == pointers[::-1]


@pytest.mark.parametrize("like", [torch.zeros(1, dtype=torch.bfloat16), torch.zeros(1, device="meta")])
def test_another_type_or_device_gets_memory_of_its_own(like):
    workspace = Workspace()
    workspace.give_back([torch.zeros(8)])
    taken = workspace.take((4,), like)
    assert (taken.dtype, taken.device) == (like.dtype, like.device)
