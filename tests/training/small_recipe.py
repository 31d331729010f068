"""A recipe of every stage that runs in seconds, and its data."""

import re
from pathlib import Path

from angel_hf import AngelForEntityLinking
from angel_hf.training.recipes.reading import read_recipe

RECIPE = """
name = "small"
description = "Every stage of a recipe, in seconds."
seed = 1

[data]
knowledge_base = ["medic.txt"]
ontologies = ["more.obo"]
train = ["train.txt"]
dev = ["dev.txt"]
expand_abbreviations = true

[model]
vocabulary_size = 500
d_model = 32
encoder_layers = 1
decoder_layers = 1
attention_heads = 2
ffn_dim = 64
max_positions = 128
max_source_length = 32

[pretraining]
steps = 12
batch_size = 8
learning_rate = 3e-3
prefix_weight = 0.5
save_steps = 6

[fine_tuning]
steps = 6
batch_size = 8
learning_rate = 1e-3
replay = true
copy_share = 0.3
released_too = true
save_steps = 3

[preference]
steps = 4
batch_size = 2
learning_rate = 1e-4
loss = ["sigmoid", "sft"]
rounds = 2
save_steps = 2

[preference.mining]
sources = ["train", "knowledge-base"]
names = 6
num_beams = 4
top_k = 3
"""
TWO_STAGES = ("pretraining", "fine-tuning")
OBO = "format-version: 1.2\n\n[Term]\nid: X:1\nname: Low red cells\nxref: MESH:D4\n"


def write_data(path, concepts, record):
    lines = ["|".join([c.concept_id, *c.alternative_ids]) + "||" + "|".join(c.names) for c in concepts]
    (path / "medic.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path / "more.obo").write_text(OBO, encoding="utf-8")
    records = [re.sub("^7", str(number), record, flags=re.MULTILINE) for number in (7, 8, 9)]
    (path / "train.txt").write_text("\n".join(records[:2]), encoding="utf-8")
    (path / "dev.txt").write_text(records[2], encoding="utf-8")


def recipe(directory, *changes, text=RECIPE):
    path = Path(directory) / "small.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(str(path), changes)


def weights(path):
    return AngelForEntityLinking.from_pretrained(path / "model").state_dict()
