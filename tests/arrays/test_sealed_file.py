"""Weights with digests in their own header: other programs read them as ever, damage is refused."""

import random

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from angel_hf.arrays import sealed_file
from angel_hf.arrays.sealed_file import refuse_damaged, seal

TENSORS = {"a": torch.arange(600, dtype=torch.float32), "b": torch.ones(3, 5, dtype=torch.bfloat16)}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(TENSORS, file, {"format": "pt"})
    seal(file)
    return file


def test_the_tensors_stay_and_transformers_sees_its_format(path):
    found = load_file(path)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())
    with safe_open(path, "pt") as file:
        assert file.metadata()["format"] == "pt"
    refuse_damaged(path, "fix")


def test_sealing_again_changes_nothing(path):
    before = path.read_bytes()
    seal(path)
    assert path.read_bytes() == before


def test_a_file_without_digests_passes(tmp_path):
    save_file(TENSORS, tmp_path / "plain.safetensors")
    refuse_damaged(tmp_path / "plain.safetensors", "fix")


def test_any_flipped_bit_is_refused_or_is_no_damage_of_the_tensors(path):
    whole = path.read_bytes()
    draw = random.Random(1)
    for position in [*range(200), *(draw.randrange(len(whole)) for _ in range(600))]:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << draw.randrange(8)]) + whole[position + 1 :])
        try:
            refuse_damaged(path, "fetch it again")
            found = load_file(path)
        except (ValueError, SafetensorError):  # the latter of a header that the format refuses
            continue
        assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items()), position


def test_of_a_large_file_the_ends_are_always_read(path, monkeypatch):
    monkeypatch.setattr(sealed_file, "_LARGE_BYTES", 0)
    monkeypatch.setattr(sealed_file, "_SAMPLED_BLOCKS", 1)
    monkeypatch.setattr(sealed_file, "_BLOCK_BYTES", 256)
    seal(path)
    refuse_damaged(path, "fix")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="the file is damaged; fix"):
        refuse_damaged(path, "fix")
