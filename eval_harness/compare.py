"""Two prediction files of the same mentions: which is better, and how surely."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_harness.metrics.entity_linking.ranks import accuracy_at, hits_at
from eval_harness.prediction import Prediction
from eval_harness.prediction_file import read_predictions
from eval_harness.significance import SEED, Difference, McNemar, mcnemar, paired_bootstrap


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems at one k.

    Args:
        k: right within the first k.
        first: accuracy of the first, in percent.
        second: of the second.
        difference: second minus first, by the paired bootstrap.
        mcnemar: by McNemar's test, in which mentions count as independent.
    """

    k: int
    first: float
    second: float
    difference: Difference
    mcnemar: McNemar


def compare_files(
    first: Path, second: Path, ks: Sequence[int] = (1, 5), by_mention: bool = False, seed: int = SEED
) -> list[Comparison]:
    """Compare two files.

    Args:
        first: written by `angel-eval run`.
        second: likewise; on the same mentions.
        ks: to compare accuracy at.
        by_mention: draw mentions instead of documents.
        seed: of the draws.

    Raises:
        ValueError: the files are not about the same mentions, or are damaged.
        FileNotFoundError: one is not there.
    """
    own, other = _align(first, read_predictions(first), second, read_predictions(second))
    units: list[Hashable] = [one.key if by_mention else (one.fold, one.document_id) for one in own]
    return [_compare(k, [one.rank for one in own], [one.rank for one in other], units, seed) for k in ks]


def format_comparison(comparisons: Sequence[Comparison], first: str, second: str, unit: str) -> str:
    """The comparison in Markdown."""
    lines = [
        f"A: {first}",
        f"B: {second}",
        "",
        f"{comparisons[0].difference.mentions} mentions; bootstrap over {comparisons[0].difference.units} {unit}s.",
        "",
        "| acc@k | A | B | B - A | 95% interval | p, bootstrap | only A right | only B right | p, McNemar |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in comparisons:
        change, test = one.difference, one.mcnemar
        interval = f"{change.interval.low:+.2f} to {change.interval.high:+.2f}"
        lines.append(
            f"| {one.k} | {one.first:.1f} | {one.second:.1f} | {change.difference:+.2f} | {interval} | "
            f"{change.bootstrap_p:.4f} | {test.only_first} | {test.only_second} | "
            f"{test.p:.4g} |"
        )
    return "\n".join(lines) + "\n"


def _align(
    first: Path, own: list[Prediction], second: Path, other: list[Prediction]
) -> tuple[list[Prediction], list[Prediction]]:
    """Both in the order of the first."""
    by_key = {one.key: one for one in other}
    keys = [one.key for one in own]
    if len(by_key) != len(other) or len(set(keys)) != len(keys):
        raise ValueError(f"{first}, {second}: a mention comes twice; expected every document id and span once")
    differing = by_key.keys() ^ set(keys)
    if differing:
        raise ValueError(
            f"{first} and {second} are not about the same mentions: {len(differing):,} are in one only, among them "
            f"{min(differing)}; expected the same benchmark, split, text form and protocol"
        )
    return own, [by_key[key] for key in keys]


def _compare(
    k: int, first: Sequence[int | None], second: Sequence[int | None], units: Sequence[Hashable], seed: int
) -> Comparison:
    own, other = hits_at(k, first), hits_at(k, second)
    return Comparison(
        k=k,
        first=accuracy_at(k, first),
        second=accuracy_at(k, second),
        difference=paired_bootstrap(own, other, units, seed=seed),
        mcnemar=mcnemar(own, other),
    )
