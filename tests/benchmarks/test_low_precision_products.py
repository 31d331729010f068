"""Products are timed against the first way, errors are those of the numbers' types, and what is missing is named."""

import pytest
import torch
from typer.testing import CliRunner

from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.inference.packed.products import packed_type
from benchmarks import low_precision_products
from benchmarks.low_precision_products import BASELINE, app, measure_layer, tables_of, torch_bfloat16, torch_int8


def test_ways_are_compared_with_the_first():
    ways = {"float32": lambda layer: layer, "bfloat16": torch_bfloat16, "one": torch_int8, "other": Int8Linear}
    measured = measure_layer(32, 48, (1, 5), ways, 3)
    assert [(one.rows, one.way) for one in measured] == [(rows, way) for rows in (1, 5) for way in ways]
    for one in measured:
        assert (one.inputs, one.outputs, len(one.cpu_seconds)) == (32, 48, 3)
        # 24 bits, 8 bits and 127 steps of the largest.
        least, most = {"float32": (1e-9, 1e-6), "bfloat16": (5e-4, 1e-2)}.get(one.way, (1e-3, 3e-2))
        assert least < one.error < most
    assert {one.speed.median for one in measured if one.way == "float32"} == {1.0}
    (table,) = tables_of(measured)
    assert table.row_count == 4 and BASELINE in str(table.title)


@pytest.mark.skipif(packed_type(torch.bfloat16, 1) is None, reason="this processor has no bfloat16")
def test_packed_ways_multiply_alike():
    ways = {"float32": low_precision_products.packed_float32, "bfloat16": low_precision_products.packed_bfloat16}
    float32, bfloat16 = measure_layer(32, 48, (5,), ways, 3)
    assert float32.error < 1e-6 < 5e-4 < bfloat16.error < 1e-2


def test_missing_libraries_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(low_precision_products, "LIBRARIES", ("torch", "no-such-library"))
    result = CliRunner().invoke(app, ["--output", str(tmp_path / "out.json")])
    assert result.exit_code == 2
    assert "no-such-library missing; pip install no-such-library" in " ".join(result.output.split())
    assert not (tmp_path / "out.json").exists()
