"""Sentences about a concept in which one of its names stands as the mention: knowledge-base-guided pretraining.

After Yuan et al., "Generative biomedical entity linking via knowledge base-guided pre-training and synonyms-aware
fine-tuning" (NAACL 2022), in words of our own.
"""

from __future__ import annotations

import random

from angel_hf.training.concept_names import ConceptNames
from angel_hf.types import Mention

_MOST_SYNONYMS = 3
_DEFINED = ("{mention} is defined as {text}", "{mention} means {text}", "{text} This defines {mention}")
_SYNONYMS = (
    "{mention} is also called {text}",
    "{mention} has the synonyms {text}",
    "{text} are other names of {mention}",
)
_TYPED = ("{mention} is a kind of {text}", "{text} such as {mention}")
_ALONE = "{mention}"


def describe(surface: str, target: str, concept_id: str, concept_names: ConceptNames, rng: random.Random) -> Mention:
    """`surface` in a sentence that defines it, tells its type or lists other names of the concept.

    The target is never in the list, since it would only have to be copied from there. What the ontology
    does not have is not chosen; a concept of which nothing is known gives the surface alone.
    """
    options: list[tuple[tuple[str, ...], str]] = []
    definition = concept_names.definitions.get(concept_id)
    if definition:
        options.append((_DEFINED, definition))
    types = concept_names.knowledge_base.concept(concept_id).semantic_types
    if types:
        options.append((_TYPED, rng.choice(types)))
    others = [name for name in concept_names.surfaces[concept_id] if name not in (surface, target)]
    if others:
        options.append((_SYNONYMS, ", ".join(rng.sample(others, min(_MOST_SYNONYMS, len(others))))))
    templates, text = rng.choice(options) if options else ((_ALONE,), "")
    before, _, after = rng.choice(templates).partition("{mention}")
    left, right = before.replace("{text}", text), after.replace("{text}", text)
    return Mention(f"{left}{surface}{right}", len(left), len(left) + len(surface))
