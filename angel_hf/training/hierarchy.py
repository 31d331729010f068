"""Give the concepts of a model's knowledge base their parents from another file.

    python -m angel_hf.training.hierarchy --model DIR --source FILE

MEDIC in the form of the NCBI-disease corpus has no parents; its concepts with MeSH identifiers have them in the MeSH
descriptors. The names stay as they are, and so do the model's answers.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase
from angel_hf.formats.ontologies import read_concepts

_logger = logging.getLogger(__name__)


def with_parents(knowledge_base: KnowledgeBase, source: Iterable[Concept]) -> KnowledgeBase:
    """A copy in which concepts without parents have those of the concept with the same identifier in `source`.

    The knowledge base resolves the identifiers, alternative ones included. A parent that it lacks, or that resolves to
    the concept itself, is left out.
    """
    found: dict[str, list[str]] = {}
    for concept in source:
        child = knowledge_base.resolve(concept.concept_id)
        if child is not None:
            parents = (knowledge_base.resolve(parent) for parent in concept.parents)
            found.setdefault(child, []).extend(one for one in parents if one is not None and one != child)

    def concepts() -> Iterator[Concept]:
        for concept in knowledge_base.concepts():
            parents = concept.parents or tuple(dict.fromkeys(found.get(concept.concept_id, ())))
            yield dataclasses.replace(concept, parents=parents)

    return KnowledgeBase.from_concepts(concepts(), knowledge_base.normalization)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Give the concepts of a model's knowledge base their parents.")
    parser.add_argument("--model", type=Path, required=True, help="directory of the model, written anew")
    parser.add_argument("--source", type=Path, required=True, help="file of concepts with parents, such as MeSH's")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model = AngelForEntityLinking.from_pretrained(options.model, dtype="auto")
    assert model.knowledge_base is not None, "a saved model has a knowledge base"
    changed = with_parents(model.knowledge_base, read_concepts(options.source)[0])
    model.set_knowledge_base(changed)
    model.save_pretrained(options.model)
    count = sum(bool(concept.parents) for concept in changed.concepts())
    _logger.info("%d of %d concepts have parents; wrote %s", count, changed.num_concepts, options.model)


if __name__ == "__main__":
    main()
