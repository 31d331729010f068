"""The work of the plain engine: the same operations however many mentions, and one copy to the host a step."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from angel_hf import AngelForEntityLinking, NameTrie
from angel_hf.inference.plain import PlainDecoder, PlainEngine
from angel_hf.search import BeamSearch
from angel_hf.search.beam import Names
from tests.search.test_search import PREFIX_END, small_model
from tests.toy import questions

# Operators whose result has a shape or a value that the host waits for on another device.
WAITING = ("nonzero", "_local_scalar_dense", "item", "masked_select", "unique", "equal", "is_nonzero")
# What reads a tensor on the host without an operator that a mode sees.
READS = ("tolist", "cpu", "numpy", "item", "__bool__", "__int__", "__float__", "__index__", "__iter__")
LAYERS = 2
OPERATORS_A_LAYER = 70
OPERATORS_A_STEP = 130


class Operators(TorchDispatchMode):
    """Counts the operators that run."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.counts[name] += 1
        # A mask in place of positions has as many results as it has true values.
        if name == "index" and any(one is not None and one.dtype is torch.bool for one in args[1]):
            self.counts["nonzero"] += 1
        return func(*args, **(kwargs or {}))


class Work:
    """What one search of a batch did."""

    def __init__(self, model: AngelForEntityLinking, mentions: int, monkeypatch, top_k: int = 4):
        self.steps = 0
        self.reads = Counter()
        for name in READS:
            self._count_reads(name, monkeypatch)
        step = PlainDecoder.step
        monkeypatch.setattr(PlainDecoder, "step", lambda decoder, one: self._count_step() or step(decoder, one))
        sources = [[0, *[5 + row % 8] * (1 + row % 7), 2] for row in range(mentions)]
        asked = questions(model, sources, [[5 + row % 5, PREFIX_END] for row in range(mentions)])
        with Operators() as operators:
            self.found = BeamSearch(num_beams=4)(PlainEngine(model), asked, Names(model.trie), top_k)
        self.counts = operators.counts
        monkeypatch.undo()

    def _count_reads(self, name, monkeypatch):
        read = getattr(torch.Tensor, name)

        def counted(tensor, *rest):
            self.reads[name] += 1
            return read(tensor, *rest)

        monkeypatch.setattr(torch.Tensor, name, counted)

    def _count_step(self):
        self.steps += 1

    @property
    def operators(self) -> int:
        return sum(self.counts.values())


@pytest.fixture(scope="module")
def model() -> AngelForEntityLinking:
    names = [[first, second, *range(4, 4 + length)] for first in range(4, 14) for second in (4, 9) for length in (1, 3)]
    found = small_model([[4]])
    found.trie = NameTrie.from_sequences(names)
    return found


@pytest.mark.parametrize("top_k", [4, 1], ids=["all names", "one name"])
def test_more_mentions_take_no_more_operators(model, monkeypatch, top_k):
    few, many = (Work(model, mentions, monkeypatch, top_k) for mentions in (3, 48))
    assert len(many.found) == 48 and all(many.found)
    # Steps differ with the longest name, and dropping finished mentions takes some operators now and then.
    per_step = [(work.operators - encoder_operators(model)) / (work.steps + 1) for work in (few, many)]
    assert per_step[1] <= 1.15 * per_step[0]


def test_the_operators_of_a_step_are_bounded(model, monkeypatch):
    work = Work(model, 32, monkeypatch)
    assert work.steps >= 4
    assert work.operators / (work.steps + 2) <= OPERATORS_A_STEP + LAYERS * OPERATORS_A_LAYER


def test_one_copy_to_the_host_a_step_and_none_from_it(model, monkeypatch):
    work = Work(model, 32, monkeypatch)
    assert {name: count for name, count in work.counts.items() if name.startswith(WAITING)} == {}
    # The sizes of each step and of the first beams; at the end what was picked, a copy for each kind of number.
    assert work.reads["cpu"] == work.steps + 2 + 7
    assert sum(work.reads[name] for name in ("item", "__bool__", "__int__", "__float__", "__index__")) == 0


def encoder_operators(model) -> int:
    with Operators() as operators, torch.inference_mode():
        PlainEngine(model).encode([[0, 5, 2]] * 4)
    return sum(operators.counts.values())
