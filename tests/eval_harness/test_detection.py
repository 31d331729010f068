"""Strict scores of detection, by hand."""

import json

import pytest

from angel_hf.annotation import DictionaryDetector
from angel_hf.formats.pubtator import read_pubtator
from eval_harness.detection import evaluate_detection, main

CORPUS = (
    "1|t|Gout.\n1|a|Severe gout, ataxia.\n"
    "1\t0\t4\tGout\tDisease\tD1\n1\t6\t17\tSevere gout\tDisease\tD1\n1\t19\t25\tataxia\tDisease\tD2\n"
)


def test_a_mention_with_one_wrong_end_is_wrong():
    found = evaluate_detection(DictionaryDetector(["Gout"]), list(read_pubtator(CORPUS.splitlines())))
    # Found: "Gout" at 0, right, and "gout" inside of "Severe gout", wrong.
    assert (found.annotated, found.detected, found.right) == (3, 2, 1)
    assert (found.precision, found.recall, found.f1) == (0.5, pytest.approx(1 / 3), pytest.approx(0.4))


def test_nothing_found_and_no_documents():
    documents = list(read_pubtator(CORPUS.splitlines()))
    assert evaluate_detection(DictionaryDetector(["zebra itch"]), documents).f1 == 0.0
    with pytest.raises(ValueError, match="no documents"):
        evaluate_detection(DictionaryDetector(["Gout"]), [])


def test_the_command_writes_every_detector(tmp_path):
    (tmp_path / "corpus.txt").write_text(CORPUS)
    (tmp_path / "medic.txt").write_text("D1||Gout\n")
    corpus = str(tmp_path / "corpus.txt")
    files = ["--knowledge-base", str(tmp_path / "medic.txt"), "--corpus", corpus, "--names-of", corpus]
    main([*files, "--out", str(tmp_path / "out.json")])
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert results["dictionary"]["right"] == 1
    assert results["dictionary and corpus names"]["f1"] == 1.0
