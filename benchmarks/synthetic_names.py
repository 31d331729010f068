"""A knowledge base of any size, seeded: the real names of four ontologies, then combinations of their words.

A synthetic concept has a real name as its base and, like a concept of the UMLS, a few names: its base with a word of
another name in the place of one of its own, the first words of it before the last ones of another, it with the part
that stands after a comma in another, or two names joined by "with".
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from angel_hf.formats.ontologies import read_concepts
from angel_hf.knowledge_base.parquet_file import write_concepts
from angel_hf.text.reading import normalize
from angel_hf.types import Concept

NORMALIZATION = "lowercase-punctuation"
ONTOLOGIES = (
    "mesh_id_label_mappings.tsv.gz",
    "mesh_supp_id_label_mappings.tsv.gz",
    "mondo.json.gz",
    "hp.obo.gz",
    "doid.json.gz",
)
_MEAN_NAMES_PER_CONCEPT = 3
_MOST_CHARACTERS = 120
_BLOCK = 20_000
_MOST_FRUITLESS = 20_000  # concepts in a row without a new name: the words are exhausted


def write_synthetic(path: Path, folder: Path, names: int, seed: int) -> None:
    """Write a Parquet file of concepts with `names` names that differ once normalised; the same seed, the same file.

    Args:
        path: the file.
        folder: where the ontologies are.
        names: how many; the real ones come first and are cut off where they are more.
        seed: of the combinations.

    Raises:
        FileNotFoundError: there is no ontology in the folder.
        ValueError: their words do not yield this many names.
    """
    sources = [folder / name for name in ONTOLOGIES if (folder / name).is_file()]
    if not sources:
        raise FileNotFoundError(f"{folder}: has none of {', '.join(ONTOLOGIES)}; expected the files of ontologies")
    real = list(itertools.chain.from_iterable(read_concepts(source)[0] for source in sources))
    bases = list(dict.fromkeys(name for concept in real for name in concept.names if len(name) <= _MOST_CHARACTERS))
    concepts = itertools.chain(real, synthetic_concepts(bases, seed))
    write_concepts(path, _first_names(concepts, names), NORMALIZATION)


def synthetic_concepts(bases: Sequence[str], seed: int) -> Iterator[Concept]:
    """Concepts without end, made of the words of real names."""
    generator = np.random.default_rng(seed)
    tails = [name.rsplit(", ", 1)[1] for name in bases if ", " in name]
    for first in itertools.count(0, _BLOCK):
        counts = generator.geometric(1 / _MEAN_NAMES_PER_CONCEPT, _BLOCK).tolist()
        own = generator.integers(len(bases), size=_BLOCK).tolist()
        draws = iter(generator.random((sum(counts), 4)).tolist())
        for position, (count, base) in enumerate(zip(counts, own)):
            made = tuple(_combine(bases[base], bases, tails, *next(draws)) for _ in range(count))
            yield Concept(f"S{first + position:08d}", made)


def _combine(
    base: str, bases: Sequence[str], tails: Sequence[str], kind: float, which: float, where: float, length: float
) -> str:
    """One combination; the last four arguments are uniform in [0, 1)."""
    other = bases[int(which * len(bases))]
    words, others = base.split(), other.split()
    at = int(where * len(words))
    if kind < 0.45:
        return " ".join([*words[:at], others[int(length * len(others))], *words[at + 1 :]])
    if kind < 0.7:
        return " ".join([*words[: at + 1], *others[int(length * len(others)) :]])
    if kind < 0.9 and tails:
        return f"{base}, {tails[int(which * len(tails))]}"
    return f"{base} with {other}"


def _first_names(concepts: Iterable[Concept], most: int) -> Iterator[Concept]:
    """Concepts with those of their names that are new once normalised, until there are `most`."""
    seen: set[bytes] = set()
    fruitless = 0
    for concept in concepts:
        kept = []
        for name in concept.names:
            key = hashlib.blake2b(normalize(name, NORMALIZATION).encode(), digest_size=8).digest()
            if len(name) <= _MOST_CHARACTERS and key not in seen and len(seen) < most:
                seen.add(key)
                kept.append(name)
        fruitless = 0 if kept else fruitless + 1
        if kept:
            yield Concept(concept.concept_id, tuple(kept), concept.alternative_ids, concept.semantic_types)
        if len(seen) >= most:
            return
        if fruitless >= _MOST_FRUITLESS:
            break
    raise ValueError(f"the concepts have {len(seen):,} names that differ once normalised; expected {most:,}")
