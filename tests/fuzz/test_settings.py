"""Recipes, results, predictions, facts and the like, spoiled: a ValueError that names the file, or it is read."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from angel_hf import Concept, KnowledgeBase
from angel_hf.knowledge_base.withheld_names import WithheldNames
from angel_hf.training.preference.pairs_file import SCHEMA, read_pairs
from angel_hf.training.recipes.reading import RECIPES, read_recipe
from eval_harness.predictors.from_file import FromFile
from eval_harness.result_file import read_results
from hub_cards.evaluation import read_evaluation
from hub_cards.facts import read_facts
from tests.fuzz.spoiling import MANY_ROUNDS, ROUNDS, in_time, spoiled

ROOT = Path(__file__).parents[2]
RESULTS = next((ROOT / "results").glob("*/results.json"))
FACTS = """title = "A"
license = "apache-2.0"
[knowledge_base]
name = "MEDIC"
version = "1"
url = "https://x"
"""
PREDICTIONS = '{"document_id": "1", "start": 0, "end": 4, "candidates": [{"concept_ids": ["D1"], "score": -0.5}]}\n'
BELB = '[{"eid": "1", "start": 0, "end": 4, "y_pred": [["NIL"], ["D1", "D2"]]}]'
WITHHELD = WithheldNames("UMLS", "2024", "licence", "https://x", "lowercase", "00" * 32, ("C1", "C2"))


def concepts_in_parquet(path):
    KnowledgeBase.from_concepts([Concept("D1", ("Gout", "Podagra")), Concept("D2", ("Ataxia",))]).to_parquet(path)


def pairs_in_parquet(path):
    row = dict.fromkeys(SCHEMA.names) | {"text": "of gout", "start": 3, "end": 7, "chosen": "gout", "rejected": "ague"}
    pq.write_table(pa.Table.from_pylist([row] * 3, schema=SCHEMA), path)


def withheld(path):
    WITHHELD.save(path.parent)


# Of each file: its name, how it is made whole, how it is read.
FILES = {
    "recipe": ("a.toml", (RECIPES / "angel_mini_ncbi.toml").read_text(), lambda path: read_recipe(str(path))),
    "results": ("results.json", RESULTS.read_text(), read_results),
    "evaluation": ("results.json", RESULTS.read_text(), read_evaluation),
    "facts": ("facts.toml", FACTS, read_facts),
    "predictions": ("a.jsonl", PREDICTIONS * 3, lambda path: FromFile(str(path))),
    "BELB's predictions": ("a.json", BELB, lambda path: FromFile(str(path))),
    "concepts": ("a.parquet", concepts_in_parquet, lambda path: [*KnowledgeBase.from_file(path).concepts()]),
    "pairs": ("train.parquet", pairs_in_parquet, lambda path: [*read_pairs(path)]),
    "withheld names": (
        "knowledge_base_recipe.json",
        withheld,
        lambda path: WithheldNames.load(path, path.with_name("concept_ids.txt")),
    ),
}


def run(name, tmp_path, rounds):
    file_name, make, read = FILES[name]
    path, chance = tmp_path / file_name, random.Random(name)
    if isinstance(make, str):
        path.write_text(make)
    else:
        make(path)
    whole = path.read_bytes()
    for number in range(rounds):
        path.write_bytes(spoiled(whole, chance))
        with in_time(f"{name}, mutant {number}"):
            try:
                read(path)
            except ValueError as error:
                message = str(error)
            else:
                continue
        assert file_name in message, f"{name}, mutant {number}: {message}"


@pytest.mark.parametrize("name", FILES)
def test_spoiled_settings(name, tmp_path):
    run(name, tmp_path, ROUNDS // 4 if name in ("results", "evaluation") else ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_spoiled_settings(name, tmp_path):
    run(name, tmp_path, MANY_ROUNDS // 10 if name in ("results", "evaluation") else MANY_ROUNDS)


def test_what_a_run_wrote_has_no_number_that_json_lacks(tmp_path):
    """Of every results file of the project."""

    def refuse(constant):
        raise AssertionError(constant)

    for path in (ROOT / "results").glob("**/*.json"):
        json.loads(path.read_text(), parse_constant=refuse)
