"""The training of an encoder: what it computes, that it learns, and that it goes on where it was stopped."""

import json

import numpy as np
import pytest
import torch

from angel_hf import Concept, KnowledgeBase
from angel_hf.ranking.subwords import SubwordEncoder
from angel_hf.training.encoder import trainer
from angel_hf.training.encoder.__main__ import main
from angel_hf.training.encoder.batches import Shares
from angel_hf.training.encoder.synonyms import Synonyms, Vocabulary
from angel_hf.training.encoder.table import Table
from angel_hf.training.encoder.trainer import CHECKPOINT_FILE, Training, train
from tests.toy import byte_tokenizer, random_model

ORGANS = {"kidney": "renal", "heart": "cardiac", "liver": "hepatic", "brain": "cerebral", "skin": "dermal"}
KINDS = ("cancer", "pain", "failure", "stone", "injury", "rupture")
NAMES = [(f"{organ} {kind}", f"{other} {kind}") for organ, other in ORGANS.items() for kind in KINDS]
LEARNED = [one for one in NAMES if one[0] not in ("kidney stone", "heart rupture", "skin pain")]
VOCABULARY = Vocabulary(tuple(map(Synonyms, LEARNED)), ())
SMALL = Training(
    1024, 16, steps=120, batch_size=16, learning_rate=0.02, warmup_steps=5, mine_steps=40, shares=Shares(0, 0, 0)
)


def test_the_table_computes_what_the_encoder_does():
    table = Table(512, 16)
    strings = ["kidney failure", "a", "", "b c d", "x" * 200, "β thalassemia"]
    kept = table.encoder()
    with torch.no_grad():
        table.vectors.weight.copy_(torch.from_numpy(kept._table * kept._steps[:, None]))
    np.testing.assert_allclose(table.encode(strings), kept.encode(strings), atol=2e-6)
    assert table.encode([]).shape == (0, 16)


def right(encoder):
    """How many of the second names that were never seen have the right first one as nearest."""
    firsts = encoder.encode([first for first, _ in NAMES])
    unseen = [place for place, one in enumerate(NAMES) if one not in LEARNED]
    seconds = encoder.encode([NAMES[place][1] for place in unseen])
    return ((seconds @ firsts.T).argmax(axis=1) == unseen).sum()


def test_words_of_one_meaning_come_together_in_names_that_were_never_seen(tmp_path):
    torch.manual_seed(1)
    assert right(Table(1024, 16)) < 3
    assert right(train(VOCABULARY, SMALL, tmp_path)) == 3


def test_a_training_that_was_stopped_goes_on_to_the_same_encoder(tmp_path, monkeypatch):
    whole = train(VOCABULARY, SMALL, tmp_path / "whole")
    calls = []

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return nt_xent(*arguments)

    nt_xent = trainer.nt_xent
    monkeypatch.setattr(trainer, "nt_xent", stop)
    with pytest.raises(KeyboardInterrupt):
        train(VOCABULARY, SMALL, tmp_path / "stopped")
    assert (tmp_path / "stopped" / CHECKPOINT_FILE).exists()
    again = train(VOCABULARY, SMALL, tmp_path / "stopped")
    assert len(calls) == 100 + 40, "from step 80 on"
    assert again == whole
    assert not list(tmp_path.rglob(CHECKPOINT_FILE))


def test_the_checkpoint_of_another_training_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "_logger", _Stopping())
    with pytest.raises(KeyboardInterrupt):
        train(VOCABULARY, SMALL, tmp_path)
    other = Vocabulary(VOCABULARY.own[1:], ())
    with pytest.raises(ValueError, match="checkpoint.safetensors: is of another training; remove it"):
        train(other, SMALL, tmp_path)


class _Stopping:
    """A logger that interrupts training at step 80."""

    def info(self, message, *arguments):
        if arguments[:1] == (80,):
            raise KeyboardInterrupt


def test_another_seed_gives_another_encoder(tmp_path):
    short = Training(64, 4, steps=2, batch_size=4, shares=Shares(0, 0, 0))
    assert train(VOCABULARY, short, tmp_path) == train(VOCABULARY, short, tmp_path)
    assert train(VOCABULARY, short, tmp_path) != train(
        VOCABULARY, Training(64, 4, steps=2, batch_size=4, seed=2), tmp_path
    )


PLACE = LEARNED.index(("heart pain", "cardiac pain"))
CORPUS = f"""7|t|renal cancer and cardiac pain
7|a|
7\t0\t12\trenal cancer\tDisease\tC0
7\t17\t29\tcardiac pain\tDisease\tC{PLACE}
"""


def test_the_command_writes_the_encoder_and_what_it_measured(tmp_path):
    model = random_model(byte_tokenizer())
    concepts = [Concept(f"C{place}", names) for place, names in enumerate(LEARNED)]
    model.set_knowledge_base(KnowledgeBase.from_concepts(concepts))
    model.save_pretrained(tmp_path / "model")
    (tmp_path / "dev.txt").write_text(CORPUS)
    arguments = ["--model", tmp_path / "model", "--corpora", tmp_path / "dev.txt", "--dev", tmp_path / "dev.txt"]
    main([*map(str, arguments), "--output", str(tmp_path / "out"), "--steps", "3"])
    report = json.loads((tmp_path / "out" / "encoder.json").read_text())
    assert report["concepts"] == len(LEARNED) and report["training"]["steps"] == 3
    assert report["nearest name"] == {"dev.txt": 100.0}
    assert SubwordEncoder.load(tmp_path / "out" / "encoder.safetensors").dimensions == Training().dimensions
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["encoder.json", "encoder.safetensors"]
