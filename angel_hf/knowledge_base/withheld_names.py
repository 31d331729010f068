"""A knowledge base whose licence forbids passing it on: its concept ids, and how to get the names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from angel_hf.jobs.readable import UNFORESEEN, parse_json
from angel_hf.jobs.text_file import write_json, write_text
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Concept

RECIPE_FILE = "knowledge_base_recipe.json"
CONCEPT_IDS_FILE = "concept_ids.txt"
_FORMAT = "angel-knowledge-base-recipe-1"


@dataclass(frozen=True, slots=True)
class WithheldNames:
    """Saved instead of the names of a licensed vocabulary: nothing here spells a name.

    The trie is withheld too, since its token ids spell the names.

    Args:
        source: the vocabulary, as "UMLS Metathesaurus".
        version: its release.
        reason: why the names stay out.
        url: where a user gets their own copy.
        normalization: of the knowledge base.
        names_sha256: see the function of that name; it reveals another release.
        concept_ids: of all concepts, in their order.
    """

    source: str
    version: str
    reason: str
    url: str
    normalization: str
    names_sha256: str
    concept_ids: tuple[str, ...]

    def save(self, directory: str | Path) -> None:
        """Write the recipe and the concept ids, one a line."""
        directory = Path(directory)
        values = asdict(self)
        values.pop("concept_ids")
        recipe = {"format": _FORMAT, **values, "concept_ids": CONCEPT_IDS_FILE, "concepts": len(self.concept_ids)}
        write_json(directory / RECIPE_FILE, recipe)
        ids = "".join(f"{concept_id}\n" for concept_id in self.concept_ids)
        write_text(directory / CONCEPT_IDS_FILE, ids)

    @classmethod
    def load(cls, recipe_file: str | Path, concept_ids_file: str | Path) -> WithheldNames:
        """Read what `save` wrote.

        Raises:
            ValueError: a file is damaged or of another format.
        """
        try:
            values = parse_json(Path(recipe_file).read_bytes())
            concept_ids = tuple(Path(concept_ids_file).read_text(encoding="utf-8").splitlines())
            if values.pop("format", None) != _FORMAT or values.pop("concepts", None) != len(concept_ids):
                raise ValueError(f"not of the format {_FORMAT!r} with as many concepts as the other has lines")
            return cls(**values | {"concept_ids": concept_ids})
        except (ValueError, *UNFORESEEN) as error:
            raise ValueError(
                f"{recipe_file}, {concept_ids_file}: not readable ({error}); fetch both again with force_download=True"
            ) from error

    def explain(self, repository: str) -> str:
        """The message for a model without names: how to get them."""
        return (
            f"{repository} came without the names of its {len(self.concept_ids):,} concepts: {self.reason}. Get your "
            f"own copy of {self.source} {self.version} from {self.url} and give it, as in "
            f"from_pretrained({repository!r}, knowledge_base='PATH/TO/YOUR/COPY'); the concepts are picked from it. "
            "Any other knowledge base works too"
        )

    def restore(self, own: KnowledgeBase) -> tuple[KnowledgeBase, str | None]:
        """Pick the concepts from a user's own copy.

        Returns:
            The knowledge base, and None where it equals that of the published model, else a warning. A knowledge base
            with none of the concepts is returned unchanged.
        """
        found = [concept_id for concept_id in self.concept_ids if own.resolve(concept_id) == concept_id]
        if not found:
            return own, None

        def concepts() -> Iterator[Concept]:
            return (own.concept(concept_id) for concept_id in found)

        restored = KnowledgeBase.from_concepts(concepts(), self.normalization)
        if names_sha256(restored) == self.names_sha256:
            return restored, None
        missing = len(self.concept_ids) - len(found)
        return restored, (
            f"the knowledge base given is not {self.source} {self.version} as the model was published with: "
            f"{missing:,} of {len(self.concept_ids):,} concepts are missing"
            + ("" if missing else ", but names differ")
            + "; results will differ from the published ones"
        )


def names_sha256(knowledge_base: KnowledgeBase) -> str:
    """Hexadecimal SHA-256 of concept ids and names, whatever the order of a concept's names after the preferred."""
    digest = hashlib.sha256()
    for concept in knowledge_base.concepts():
        preferred, *others = concept.names
        digest.update(json.dumps([concept.concept_id, preferred, sorted(others)]).encode())
    return digest.hexdigest()
