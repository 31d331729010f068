"""Published accuracy at 1, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

_ANGEL = "ANGEL, arXiv 2408.16493, table 2"
_REPRODUCED = f"as rerun in {_ANGEL}"
_PROTOCOL = "published rows and knowledge base (protocol angel)"
_TRAINED_ON_DEV = f"{_PROTOCOL}; train and dev in training"
_BENCHMARKS = ("ncbi", "bc5cdr", "cometa", "askapatient", "medmentions")


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """A number of a paper.

    Args:
        benchmark: its name here.
        system: that reached it.
        accuracy_at_1: in percent.
        citation: where it is published.
        protocol: how it was measured, as far as published.
    """

    benchmark: str
    system: str
    accuracy_at_1: float
    citation: str
    protocol: str


def published_numbers(benchmark: str) -> tuple[PublishedNumber, ...]:
    """The numbers of a benchmark, best first."""
    found = (one for one in _NUMBERS if one.benchmark == benchmark)
    return tuple(sorted(found, key=lambda one: -one.accuracy_at_1))


def _row(system: str, citation: str, protocol: str, *accuracies: float | None) -> list[PublishedNumber]:
    return [
        PublishedNumber(benchmark, system, accuracy, citation, protocol)
        for benchmark, accuracy in zip(_BENCHMARKS, accuracies, strict=True)
        if accuracy is not None
    ]


_NUMBERS = (
    *_row("ANGEL", _ANGEL, _TRAINED_ON_DEV, 92.8, 94.5, 82.8, 90.2, 73.3),
    *_row("ANGEL, pretrained only", _ANGEL, _PROTOCOL, 64.6, 49.7, 46.8, 61.5, 18.2),
    *_row("GenBioEL", _REPRODUCED, _TRAINED_ON_DEV, 91.0, 93.1, 80.9, 89.3, 70.7),
    *_row("SapBERT", "Liu et al., NAACL 2021", "its own", 92.3, None, 75.1, 89.0, None),
    *_row(
        "BioSyn", "Sung et al., ACL 2020", "its own; composite mentions need all parts", 91.1, None, 71.3, 82.6, None
    ),
)
