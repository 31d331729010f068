"""Batches on several threads: the answers of one thread, all threads busy, and nothing left changed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from angel_hf import KnowledgeBase
from angel_hf.search import BeamSearch
from angel_hf.search.batches import answer_batches
from tests.toy import byte_tokenizer, mention, random_model

NAMES = {"D1": ["ataxia", "old ataxia"], "D2": ["wilson disease", "old"], "D3": ["fever", "old ataxia of the gene"]}
MARKED = ("the old [ataxia] gene", "[q]", "the [gene is old] of the disease", "[a] t", "of [fever]")


def in_order(item: int) -> int:
    """The sizes of numbers that stay in their order."""
    return -item


@pytest.fixture
def model():
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    return model


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def meeting():
    """Notes who answers which batch, and holds the first two back until both are there."""
    return _Meeting()


class _Meeting:
    def __init__(self):
        self.barrier = threading.Barrier(2)
        self.batches, self.engines, self.threads = [], {}, set()

    def answer(self, engine, batch):
        first_time = threading.get_ident() not in self.engines
        self.engines[threading.get_ident()] = engine
        self.batches.append(batch)
        self.threads.add(torch.get_num_threads())
        if first_time:
            self.barrier.wait(timeout=30)
        return [-position for position in batch]


@pytest.mark.parametrize("options", [{}, {"top_k": 1}, {"search": BeamSearch(3), "top_k": 3}])
def test_two_threads_answer_as_one_does(model, two_threads, options):
    mentions = [mention(marked) for marked in MARKED * 5]
    found = model.link(mentions, **({"top_k": 5} | options), batch_size=16)
    torch.set_num_threads(1)
    for one, other in zip(found, model.link(mentions, **({"top_k": 5} | options), batch_size=16), strict=True):
        assert one.mention == other.mention
        assert [candidate.name for candidate in one.candidates] == [candidate.name for candidate in other.candidates]
        scores = [[candidate.score for candidate in linked.candidates] for linked in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_threads_share_the_weights_and_nothing_else(model, two_threads, meeting):
    assert answer_batches(model, range(20), 16, meeting.answer, in_order) == [-item for item in range(20)]
    one, other = (engine.engine for engine in meeting.engines.values())
    assert one.workspace is not other.workspace and one.decoder_layers is other.decoder_layers
    # Eight at a time on each thread, in batches of equal size that go round evenly; those side by side are alike.
    assert sorted(meeting.batches) == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9], [10, 12, 14, 16, 18], [11, 13, 15, 17, 19]]
    # Each thread works alone on its products; afterwards there are as many again as before.
    assert meeting.threads == {1} and torch.get_num_threads() == 2


@pytest.mark.parametrize(("mentions", "batch_size"), [(0, 32), (15, 32), (50, 15), (3, 1)])
def test_few_mentions_together_are_one_batch_on_all_threads(model, two_threads, mentions, batch_size):
    threads, sizes = set(), []

    def answer(engine, batch):
        threads.add((threading.get_ident(), torch.get_num_threads()))
        sizes.append(len(batch))
        return batch

    assert answer_batches(model, range(mentions), batch_size, answer, in_order) == [*range(mentions)]
    assert threads <= {(threading.get_ident(), 2)} and all(size <= batch_size for size in sizes)
    assert len(sizes) == -(-mentions // batch_size)


@pytest.mark.parametrize("changed", ["hook", "forward"])
def test_a_model_that_something_else_runs_with_is_called_by_one_thread(model, two_threads, changed):
    layer = model.model.decoder.layers[0]
    if changed == "hook":
        layer.register_forward_pre_hook(lambda *_: None)
    else:
        layer.forward = layer.forward
    callers = set()

    def answer(engine, batch):
        callers.add(threading.get_ident())
        return batch

    answer_batches(model, range(40), 16, answer, in_order)
    assert callers == {threading.get_ident()}


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("first_out", ["first", "second"])
@pytest.mark.parametrize("count", [2, 4])
def test_calls_that_overlap_leave_every_thread_with_as_many_as_before(model, two_threads, count, first_out, failing):
    torch.set_num_threads(count)
    inside, may_go = ({name: threading.Event() for name in ("first", "second")} for _ in range(2))
    meetings = {name: _Meeting() for name in inside}

    def call(name):
        def answer(engine, batch):
            answers = meetings[name].answer(engine, batch)
            inside[name].set()
            may_go[name].wait(timeout=30)
            if failing:
                raise ValueError(name)
            return answers

        return answer_batches(model, range(20), 16, answer, in_order)

    # Torch meets the second thread while the first call has fewer threads set.
    callers = {name: ThreadPoolExecutor(1) for name in inside}
    calls = {}
    for name in inside:
        calls[name] = callers[name].submit(call, name)
        assert inside[name].wait(timeout=30)
    for name in sorted(inside, key=lambda name: name != first_out):
        may_go[name].set()
        assert str(calls[name].exception(timeout=30)) == (name if failing else "None")
    afterwards = [caller.submit(torch.get_num_threads).result() for caller in callers.values()]
    afterwards += [ThreadPoolExecutor(1).submit(torch.get_num_threads).result(), torch.get_num_threads()]
    assert afterwards == [count] * 4
    assert [meeting.threads for meeting in meetings.values()] == [{count // 2}] * 2


def test_after_an_error_nobody_begins_another_batch(model, two_threads):
    began, barrier = [], threading.Barrier(2)

    def answer(engine, batch):
        began.append(batch)
        if len(began) <= 2:
            barrier.wait(timeout=30)
        if batch[0] == 0:
            raise ValueError("the first batch")
        time.sleep(0.05)
        return batch

    with pytest.raises(ValueError, match="^the first batch$"):
        answer_batches(model, range(400), 16, answer, in_order)
    assert len(began) < 20 and torch.get_num_threads() == 2
