"""Folds of one study, trained and linked at different times, pooled by their answers."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.negatives.answers import Answers
from benchmarks.negatives.study import Study

AnswersBySplit = dict[str, dict[str, Answers]]


def part_of(study: Study, folds: list[int], variants: list[str]) -> Study:
    """The part of a study that is about some of its folds and variants; about all where none are named.

    Raises:
        ValueError: the study has no such fold or variant.
    """
    for option, named, known in (("--fold", folds, list(study.folds)), ("--variant", variants, list(study.variants))):
        unknown = [one for one in named if one not in known]
        if unknown:
            raise ValueError(f"{option} {unknown[0]}: expected one of {known}, which the study is about")
    return dataclasses.replace(
        study,
        folds=tuple(fold for fold in study.folds if not folds or fold in folds),
        variants={name: one for name, one in study.variants.items() if not variants or name in variants},
    )


def answers_as_table(answers: AnswersBySplit) -> dict[str, Any]:
    """Fold and document of each mention, and "1" for each right answer and "0" for each other, in their order."""
    return {
        split: {
            "documents": next(iter(variants.values())).documents,
            "hits": {
                variant: {seed: "".join("01"[hit] for hit in hits) for seed, hits in own.hits.items()}
                for variant, own in variants.items()
            },
        }
        for split, variants in answers.items()
    }


def pooled(study: Study, answers: AnswersBySplit, files: list[Path]) -> tuple[Study, AnswersBySplit]:
    """A study and its answers with those of other folds after them.

    Args:
        study: about the folds that the answers are from.
        answers: as `answer_all` gives them.
        files: results of the same study on other folds; of more variants, these are counted.

    Raises:
        ValueError: a file is about another study, or about a fold that is there already.
    """
    for path in files:
        document = json.loads(path.read_text(encoding="utf-8"))
        found, own = document["study"], json.loads(json.dumps(dataclasses.asdict(study)))
        found["variants"] = {name: one for name, one in found["variants"].items() if name in own["variants"]}
        other = [key for key in own if key != "folds" and found.get(key) != own[key]]
        if other:
            raise ValueError(f"{path}: {other[0]} is {found.get(other[0])!r}; expected {own[other[0]]!r}, as here")
        again = sorted(set(found["folds"]) & set(study.folds))
        if again or not document.get("answers"):
            what = f"fold {again[0]} is here already" if again else "no answers are in it"
            raise ValueError(f"{path}: {what}; expected results of other folds of the same study")
        study = dataclasses.replace(study, folds=(*study.folds, *found["folds"]))
        answers = {split: _after(answers[split], document["answers"][split]) for split in answers}
    return study, answers


def _after(variants: dict[str, Answers], table: dict[str, Any]) -> dict[str, Answers]:
    documents = [(str(fold), str(document)) for fold, document in table["documents"]]
    both: dict[str, Answers] = defaultdict(Answers)
    for variant, own in variants.items():
        both[variant].documents = own.documents + documents
        for seed, hits in own.hits.items():
            both[variant].hits[seed] = hits + [mark == "1" for mark in table["hits"][variant][str(seed)]]
    return both
