"""What weighs the answers of a search: a chain of stages with a few numbers, stored in a model's repository."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from angel_hf.arrays.array_file import written_whole
from angel_hf.jobs.readable import UNFORESEEN, finite, json_digest, parse_json, what_stopped
from angel_hf.ranking.memory import MEMORY_FILE, Memory
from angel_hf.ranking.subwords import ENCODER_FILE, SubwordEncoder

RANKING_FILE = "ranking.json"
MEMORY_WEIGHT = 2.0
"""Of a memory without weights that were fitted; near what was found for the embedded model."""

_FORMAT = "angel-ranking-1"
_AGAIN = "fit it again with angel_hf.training.ranking"


@dataclass(frozen=True, slots=True)
class Weights:
    """What the stages count beside each other, in units of the search's score; fitted by `angel_hf.training.ranking`.

    Args:
        alone: share of the score without context in the search's score, between 0 and 1.
        similarity: of the cosine between mention and name.
        memory: of the highest cosine between the mention and a remembered one of the same concept.
        exact: of a name of one concept alone that is spelled as the mention.
    """

    alone: float = 0.0
    similarity: float = 0.0
    memory: float = 0.0
    exact: float = 0.0

    def of_stages(self) -> np.ndarray:
        """What each stage counts, the score in context first: float64 [5]; see `ranker.STAGES`."""
        return np.array([1 - self.alone, self.alone, self.similarity, self.memory, self.exact])


@dataclass(frozen=True, slots=True)
class Ranking:
    """The stages after the search.

    Args:
        weights: of the stages.
        memory: the remembered mentions.
        encoder: makes the vectors by which strings are compared; None: their trigrams are compared.
        proposals: the most similar names, which are candidates beside those that the search found.
        neighbours: remembered mentions that are asked.
        fitted_on: the data of the weights, for people.
    """

    weights: Weights
    memory: Memory = field(default_factory=Memory)
    encoder: SubwordEncoder | None = None
    proposals: int = 20
    neighbours: int = 4
    fitted_on: str = ""

    def remembering(self, mentions: Iterable[tuple[str, Iterable[str]]]) -> Ranking:
        """The same with more remembered; see `Memory.with_mentions`."""
        return replace(self, memory=self.memory.with_mentions(mentions))

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that tell one ranking from another, its memory and encoder included."""
        return json_digest(self._values())

    def _values(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "weights": asdict(self.weights),
            "proposals": self.proposals,
            "neighbours": self.neighbours,
            "fitted_on": self.fitted_on,
            "memory": self.memory.digest,
            "encoder": None if self.encoder is None else self.encoder.digest,
        }

    def files(self) -> dict[str, bytes]:
        """The contents of the files in a model's repository, by name."""
        text = json.dumps(self._values() | {"digest": self.digest}, indent=2, allow_nan=False) + "\n"
        files = {RANKING_FILE: text.encode(), MEMORY_FILE: self.memory.to_jsonl().encode()}
        return files if self.encoder is None else files | {ENCODER_FILE: self.encoder.to_bytes()}

    def save(self, directory: str | Path) -> None:
        """Write the files to a model's directory."""
        for name, content in self.files().items():
            with written_whole(Path(directory) / name) as temporary:
                Path(temporary).write_bytes(content)

    @classmethod
    def load(cls, ranking: str | Path, memory: str | Path, encoder: str | Path | None = None) -> Ranking:
        """Read the files of a repository.

        Args:
            ranking: ranking.json.
            memory: memory.jsonl.
            encoder: encoder.safetensors, or None where there is none.

        Raises:
            FileNotFoundError: a file is not there.
            ValueError: a file is of another format, damaged, or the memory or encoder is another one.
        """
        try:
            remembered = Memory.load(memory)
            vectors = None if encoder is None else SubwordEncoder.load(encoder)
        except ValueError as error:
            raise ValueError(f"{error}; {_AGAIN}") from None
        try:
            values = parse_json(Path(ranking).read_bytes())
            found = cls._from_json(values, remembered, vectors)
        except (ValueError, *UNFORESEEN) as error:
            raise ValueError(f"{ranking}: not {_FORMAT} ({what_stopped(error)}); {_AGAIN}") from None
        if values["encoder"] is not None and encoder is None:
            raise FileNotFoundError(f"{ranking}: {ENCODER_FILE}, which goes with it, is missing; {_AGAIN}")
        for path, name, part in ((memory, "memory", remembered), (encoder, "encoder", vectors)):
            if part is not None and part.digest != values[name]:
                raise ValueError(
                    f"{path}: its contents are not those that were saved with {RANKING_FILE}, the file is damaged or "
                    f"of another model; {_AGAIN}"
                )
        return found

    @classmethod
    def _from_json(cls, values: dict[str, Any], memory: Memory, encoder: SubwordEncoder | None) -> Ranking:
        if values["format"] != _FORMAT:
            raise ValueError("another format")
        if values["digest"] != json_digest({key: value for key, value in values.items() if key != "digest"}):
            raise ValueError("its contents are not those that were saved, the file is damaged")
        _check_keys("", values, {"format", "digest", *cls.__dataclass_fields__})
        _check_keys(" of weights", values["weights"], set(Weights.__dataclass_fields__))
        weights = Weights(**{name: finite(f"weights.{name}", value) for name, value in values["weights"].items()})
        counts = {name: values[name] for name in ("proposals", "neighbours")}
        if not all(type(count) is int and count >= 0 for count in counts.values()):
            raise ValueError("proposals and neighbours are no whole numbers of 0 or more")
        if not isinstance(values["fitted_on"], str):
            raise ValueError("fitted_on is no text")
        return cls(weights, memory, encoder, **counts, fitted_on=values["fitted_on"])


def _check_keys(where: str, values: dict[str, Any], expected: set[str]) -> None:
    for kind, differing in (("unknown", values.keys() - expected), ("no", expected - values.keys())):
        if differing:
            raise ValueError(f"{kind} key {min(differing)!r}{where}")
