"""Whether a machine gains by bfloat16."""

import torch

from angel_hf.inference.bfloat16 import has_bfloat16


def test_a_cpu_tells_by_its_instructions(monkeypatch):
    for told in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda told=told: told)
        assert has_bfloat16("cpu") is told
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert has_bfloat16(torch.device("cpu")) is False


def test_a_gpu_that_only_emulates_has_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert has_bfloat16("cuda") is False


def test_other_devices_have_none():
    assert has_bfloat16("mps") is False
