"""Gains and costs of each departure from the published search, over the runs, in Markdown."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.figures import Document, outcomes_of_test

_HEADING = (
    "| | times as fast | least to most | accuracy at 1 | change at 1, points | its 95% interval |\n"
    "|---|---:|---:|---:|---:|---:|"
)
_CHOSEN = {"no_loss": "no loss", "one_point": "a loss of 1 point"}


def option_sections(documents: Sequence[Document]) -> list[str]:
    """A paragraph on the best options and on what the beams miss, and the table.

    Args:
        documents: result files of `benchmarks.search_options`, one a run.
    """
    of_runs = [outcomes_of_test(document) for document in documents]
    mentions = next(iter(of_runs[0].values()))["mentions"]
    setting = (
        f"`{documents[0]['model']}` on the {mentions:,} mentions of NCBI-disease's test set, protocol `"
        f"{documents[0]['protocol']}`, abbreviations written out; intervals are of the paired bootstrap over documents."
    )
    common = [name for name in of_runs[0] if all(name in found for found in of_runs)]
    rows = (_row(name, [found[name] for found in of_runs]) for name in common)
    return [" ".join([setting, *_best(documents), *_misses(of_runs[-1])]), "\n".join([_HEADING, *rows])]


def _best(documents: Sequence[Document]) -> Iterator[str]:
    for key, words in _CHOSEN.items():
        counts = Counter(document[key] for document in documents).most_common()
        chosen = ", ".join(f"{name} ({count} of {len(documents)} runs)" for name, count in counts)
        yield f"Fastest at {words}, chosen on the development set: {chosen}."


def _misses(found: dict[str, Document]) -> Iterator[str]:
    for one in found.values():
        if (proofs := one["proofs"]) is not None and "missed_for_certain" in proofs:
            certain, known = proofs["missed_for_certain"], proofs["missed"] - proofs["missed_for_certain"]
            yield (
                f"The best name of the whole trie is proven for {proofs['proven']:,} mentions, and 10 beams miss it "
                f"for {certain:,} of these; for {known:,} of the others a better name than theirs was found. Of these "
                f"{proofs['missed']:,} the beams' own name is right for {proofs['beam_right']:,} and the better one "
                f"for {proofs['exact_right']:,}."
            )


def _row(name: str, runs: Sequence[Document]) -> str:
    speeds = [one["overall_speed"] for one in runs]
    last = runs[-1]  # the same in every run, speed apart
    interval = last["difference"]["interval"]
    cells = (
        name,
        f"{statistics.median(speeds):.2f}",
        f"{min(speeds):.2f} to {max(speeds):.2f}" if len(speeds) > 1 else "",
        f"{last['accuracy_at_1']:.1f}",
        f"{last['difference']['difference']:+.2f}",
        f"{interval['low']:+.2f} to {interval['high']:+.2f}",
    )
    return f"| {' | '.join(cells)} |"
