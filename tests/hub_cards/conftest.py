"""Facts and results of an invented model."""

import json

import pytest

FACTS = """
title = "angel-test"
license = "apache-2.0"
examples = ["A case of [[ataxia]]."]
base_model = "org/pretrained"
citation = "@article{ncbi, title = {NCBI disease corpus}}"
notes = "Made for tests."

[knowledge_base]
name = "MEDIC"
version = "06 July 2012"
license = "CTD terms of use"
url = "https://ctdbase.org"

[training]
recipe = "angel-mini-ncbi"
data = "NCBI-disease, train"
stages = "right names, then preference pairs"
hardware = "2 CPU cores"
hours = 0.75
emissions_grams = 12.5

[datasets]
ncbi = "org/ncbi-disease"
"""


def result(predictor, protocol, at_1, at_5, interval):
    rules = {"name": protocol, "training_splits": ["train", "dev"], "concepts_of_a_name": "any"}
    return {
        "predictor": predictor, "protocol": rules, "mentions": 960, "accuracy_at_1": at_1, "accuracy_at_5": at_5,
        "accuracy_at_1_interval": interval,
    }  # fmt: skip


RESULTS = {
    "format": "angel-eval-results-2",
    "benchmark": "ncbi",
    "split": "test",
    "text": "released",
    "models": {"exact": "exact", "angel": "out/my-model"},
    "differences": [],
    "command": "angel-eval run --benchmark ncbi",
    "bootstrap": {"resamples": 10000, "confidence_level": 0.95, "unit": "document"},
    "results": [
        result("exact", "angel", 71.4583, 71.875, [66.1234, 76.4321]),
        result("memory", "angel", 73.3333, 75.2083, None),
        result("angel", "angel", 88.5417, 93.0208, [85.5102, 91.2345]),
        result("exact", "strict", 50.2083, 50.2083, [45.0, 55.4]),
        result("angel", "strict", 80.4167, 87.8125, [76.6, 84.1]),
    ],
}


@pytest.fixture
def facts_file(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(FACTS, encoding="utf-8")
    return path


@pytest.fixture
def results_file(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS), encoding="utf-8")
    return path
