"""A linker that is a table of names, and how tests run the command line around it."""

import json
from dataclasses import dataclass, field

from typer.testing import CliRunner, Result

from angel_hf.cli import app
from angel_hf.types import Candidate, Linked

NAMES = {
    "ataxia": (Candidate("Ataxia", ("D001259",), -0.25), Candidate("Ataxias", ("D001259", "C2"), -1.5)),
    "Ataxia-telangiectasia": (Candidate("Ataxia Telangiectasia", ("D001260",), -0.0),),
    "A-T": (Candidate("A-T", ("D001260", "OMIM:208900"), -0.123456789),),
}


@dataclass
class TableLinker:
    """Links by exact spelling and notes how it was asked."""

    calls: list = field(default_factory=list)
    options: list = field(default_factory=list)

    def link(self, mentions, *, top_k, search, batch_size, context_tokens):
        self.calls.append((len(mentions), top_k, search.num_beams, batch_size))
        self.options.append((search, context_tokens))
        if any(mention.surface == "unlinkable" for mention in mentions):
            raise ValueError("the mention is longer than the decoder can be given")
        return [Linked(mention, NAMES.get(mention.surface, ())[:top_k]) for mention in mentions]


def run(*arguments, stdin=None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def jsonl(*objects):
    return "".join(json.dumps(row) + "\n" for row in objects)


ATAXIA = {
    "start": 5,
    "end": 11,
    "text": "ataxia",
    "candidates": [
        {"name": "Ataxia", "concept_ids": ["D001259"], "score": -0.25},
        {"name": "Ataxias", "concept_ids": ["D001259", "C2"], "score": -1.5},
    ],
}
RECORD = {"id": 7, "text": "Slow ataxia.", "spans": [[5, 11]], "note": "β"}
DOCUMENT = (
    "12|t|Ataxia-telangiectasia.\n"
    "12|a|An A-T family.\n"
    "12\t0\t21\tAtaxia-telangiectasia\tDisease\tD000000\n"
    "12\t26\t29\tA-T\tModifier\tD1|D2\tA|T\n"
    "12\t30\t36\tfamily\tGroup\n"
    "12\tCID\tD3\tD4\n"
)
