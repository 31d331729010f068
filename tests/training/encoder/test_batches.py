"""Batches of synonyms: what stands in them, and what their rows say of one another."""

from collections import Counter

import numpy as np
import pytest

from angel_hf.training.encoder.batches import Batches, Shares
from angel_hf.training.encoder.synonyms import Synonyms, Vocabulary

OWN = tuple(Synonyms((f"own {n}", f"own {n} b", f"said {n}"), (f"said {n}",) if n < 5 else ()) for n in range(40))
OTHERS = tuple(Synonyms((f"other {n}", f"other {n} b")) for n in range(60))
VOCABULARY = Vocabulary(OWN, OTHERS)
PLACE_OF = {string: place for place, one in enumerate((*OWN, *OTHERS)) for string in one.strings}
NO_NOISE = Shares(noise=0.0)


def batches(size=16, cluster=4, shares=NO_NOISE, seed=1, vocabulary=VOCABULARY):
    return Batches(vocabulary, size, cluster, shares, seed)


def in_a_ring(strings):
    """Vectors by which a concept's neighbours are those next to it."""
    angles = np.array([PLACE_OF[string] for string in strings]) * 2 * np.pi / len(PLACE_OF)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_pairs_are_two_strings_of_one_concept_each_concept_once():
    for step in range(20):
        first, second, _ = batches().batch(step)
        assert len(first) == len(second) == 16
        places = [PLACE_OF[string] for string in first]
        assert places == [PLACE_OF[string] for string in second] and len(set(places)) == 16
        assert all(a != b for a, b in zip(first, second))


def test_rows_that_share_a_concept_or_a_term_mean_the_same():
    shared = Vocabulary(
        (Synonyms(("gout", "podagra")), Synonyms(("pain", "ache"))),
        (Synonyms(("podagra", "gouty arthritis")), Synonyms(("cold", "coryza"))),
    )
    groups = [set(one.strings) for one in (*shared.own, *shared.others)]
    own = batches(size=4, cluster=1, shares=Shares(mentions=0, others=0.5, noise=0), vocabulary=shared)
    for step in range(10):
        first, second, same = own.batch(step)
        strings = [*first, *second]
        places = [next(n for n, own in enumerate(groups) if {a, b} <= own) for a, b in zip(first, second)] * 2
        meant = [{place} | {n for n, own in enumerate(groups) if one in own} for place, one in zip(places, strings)]
        assert (same == [[bool(a & b) for b in meant] for a in meant]).all()
        assert not same.all() and same.diagonal().all()


def test_a_step_is_drawn_alike_whatever_was_drawn_before():
    expected = batches(shares=Shares()).batch(7)
    own = batches(shares=Shares())
    for step in (3, 7, 9, 7):
        got = own.batch(step)
    assert got[:2] == expected[:2] and (got[2] == expected[2]).all()
    assert batches(shares=Shares(), seed=2).batch(7)[:2] != expected[:2]
    assert own.batch(8)[:2] != expected[:2]


def test_concepts_stand_beside_their_nearest_once_these_are_mined():
    own = batches(size=4, cluster=4, shares=Shares(0, 0.5, 0))
    own.mine(in_a_ring)
    for step in range(30):
        first, *others = [PLACE_OF[string] for string in own.batch(step)[0]]
        kind = range(len(OWN)) if first < len(OWN) else range(len(OWN), len(PLACE_OF))
        assert set(others) <= set(kind), "neighbours are of one's own kind"
        assert sum(0 < abs(one - first) <= 12 or abs(one - first) >= 48 for one in others) == 3


@pytest.mark.parametrize(("mentions", "others"), [(0.5, 0.2), (0.0, 0.7), (0.3, 0.0)])
def test_shares_are_those_asked_for(mentions, others):
    own = batches(size=1, cluster=1, shares=Shares(mentions, others, 0))
    counts = Counter()
    for step in range(2000):
        (first,), _, _ = own.batch(step)
        counts["others" if PLACE_OF[first] >= len(OWN) else "own"] += 1
        counts["said" if first.startswith("said") and PLACE_OF[first] < 5 else "named"] += 1
    assert counts["others"] / 2000 == pytest.approx(others, abs=0.05)
    # A concept's mention is drawn as one of its strings as well.
    by_chance = (1 - mentions - others) * 5 / 40 / 3
    assert counts["said"] / 2000 == pytest.approx(mentions + by_chance, abs=0.05)


def test_noise_changes_first_strings_of_names_alone():
    own = batches(size=40, cluster=1, shares=Shares(mentions=0.0, others=0.3, noise=1.0))
    first, second, _ = own.batch(0)
    assert sum(string not in PLACE_OF for string in first) > 20
    assert all(string in PLACE_OF for string in second)
    (said, _, _) = batches(size=3, cluster=1, shares=Shares(1.0, 0.0, 1.0)).batch(0)
    assert all(string in PLACE_OF for string in said)


def test_a_small_vocabulary_is_one_batch_and_an_empty_one_refused():
    first, _, _ = batches(vocabulary=Vocabulary(OWN[:3], ()), shares=Shares(0, 0.5, 0)).batch(0)
    assert len(first) == 3
    with pytest.raises(ValueError, match="no concept of the knowledge base has two names"):
        batches(vocabulary=Vocabulary((), OTHERS))
