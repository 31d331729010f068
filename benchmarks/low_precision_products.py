"""`python -m benchmarks.low_precision_products`: one linear layer in every way that a CPU may compute it.

Searching spends most of its time in products of few or many rows with a layer's weights. Here such products are timed
in bfloat16 and in 8-bit integers of several libraries against float32 with packed weights, by which the search computes
by default. Inputs and results are float32 in every case: conversions count. The other libraries are not among this
package's: `pip install onnx onnxruntime openvino torchao`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import shlex
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from angel_hf.inference.packed import int8_linear
from angel_hf.inference.packed.int8_linear import Int8Linear
from angel_hf.inference.packed.weights import packed
from angel_hf.jobs.text_file import write_json
from benchmarks.machine import this_machine
from benchmarks.timing import Ratio, Timing, in_turns

FORMAT = "angel-low-precision-products-1"
BASELINE = "float32, packed weights"
LIBRARIES = ("onnx", "onnxruntime", "openvino", "torchao")

# Rows of one mention's step, of a full pass at batch 1, of a batch's step and of its sources; inputs and outputs of a
# small model's and of BART-base's feed-forward layers, and of the latter's vocabulary.
ROWS = (1, 16, 320)
LAYERS = ((256, 1024), (768, 3072), (768, 50_265))

Product = Callable[[Tensor], Any]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@dataclass(frozen=True)
class Measured:
    """One way to compute one product.

    Attributes:
        rows, inputs, outputs: its size.
        way: name.
        cpu_seconds: of each repeat.
        speed: how many times as fast as the baseline, by the medians, least and most of paired repeats.
        error: the root of the mean squared difference from the product in float64, as a share of that of the product.
    """

    rows: int
    inputs: int
    outputs: int
    way: str
    cpu_seconds: tuple[float, ...]
    speed: Ratio
    error: float


@app.command()
def main(
    output: Annotated[Path, typer.Option(help="JSON file for the measurements.", dir_okay=False)],
    repeats: Annotated[int, typer.Option(min=3, help="Of every product, in turns.")] = 15,
) -> None:
    """Time products of all sizes in every way, on one thread."""
    missing = [library for library in LIBRARIES if not _is_there(library)]
    if missing:
        raise typer.BadParameter(f"{', '.join(missing)} missing; pip install {' '.join(missing)}")
    torch.set_num_threads(1)
    machine = this_machine()
    measured = [one for inputs, outputs in LAYERS for one in measure_layer(inputs, outputs, ROWS, ways(), repeats)]
    for table in tables_of(measured):
        Console(width=140, highlight=False).print(table)
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    write_json(
        output,
        {
            "format": FORMAT,
            "command": shlex.join(["python", "-m", "benchmarks.low_precision_products", *sys.argv[1:]]),
            "machine": dataclasses.asdict(machine),
            "versions": versions,
            "measured": [dataclasses.asdict(one) for one in measured],
        },
    )


def _is_there(library: str) -> bool:
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def ways() -> dict[str, Callable[[nn.Linear], Product]]:
    """How to make a product of a layer, by name; the baseline first."""
    return {
        BASELINE: packed_float32,
        "bfloat16, torch": torch_bfloat16,
        "bfloat16, packed weights": packed_bfloat16,
        "int8, torch._int_mm": torch_int8,
        "int8, packed weights": Int8Linear,
        "int8, torchao": torchao_int8,
        "float32, onnxruntime": onnx_float32,
        "int8, onnxruntime": onnx_int8,
        "float32, openvino": openvino_float32,
        "int8, openvino": openvino_int8,
    }


@torch.inference_mode()
def measure_layer(
    inputs: int,
    outputs: int,
    rows: Sequence[int],
    ways: dict[str, Callable[[nn.Linear], Product]],
    repeats: int,
) -> list[Measured]:
    """Time the products of rows of several numbers with one layer.

    Args:
        inputs, outputs: the layer's width before and after.
        rows: numbers of rows.
        ways: how to make a product, by name; the others are compared with the first.
        repeats: of each, in turns; each repeat does as many products as take about 5 ms in the first way.
    """
    torch.manual_seed(0)
    layer = nn.Linear(inputs, outputs).eval()
    products = {name: make(layer) for name, make in ways.items()}
    weight, bias = layer.weight.double(), layer.bias.double()
    measured = []
    for count in rows:
        given = torch.randn(count, inputs)
        exact = given.double() @ weight.T + bias
        (first,) = in_turns([partial(next(iter(products.values())), given)], 3)
        times = max(1, round(0.005 / max(statistics.median(first), 1e-6)))

        tasks = [partial(_repeated, product, given, times) for product in products.values()]
        in_turns(tasks, 1)
        seconds = in_turns(tasks, repeats)
        timings = [Timing(own, times) for own in seconds]
        for name, timing in zip(products, timings):
            off = torch.as_tensor(products[name](given)).double() - exact
            error = float(off.square().mean().sqrt() / exact.square().mean().sqrt())
            ratio = Ratio.of(timing, timings[0])
            one = tuple(value / times for value in timing.cpu_seconds)
            measured.append(Measured(count, inputs, outputs, name, one, ratio, error))
    return measured


def _repeated(product: Callable[[Tensor], Any], given: Tensor, times: int) -> None:
    for _ in range(times):
        product(given)


def tables_of(measured: Sequence[Measured]) -> list[Table]:
    """A table a layer for people: times as fast as the baseline, and errors."""
    tables = []
    for inputs, outputs in dict.fromkeys((one.inputs, one.outputs) for one in measured):
        own = [one for one in measured if (one.inputs, one.outputs) == (inputs, outputs)]
        rows = list(dict.fromkeys(one.rows for one in own))
        table = Table(title=f"{inputs} -> {outputs}: times as fast as {BASELINE}, and relative error")
        table.add_column("way")
        for count in rows:
            table.add_column(f"{count} rows", justify="right")
        table.add_column("error", justify="right")
        for name in dict.fromkeys(one.way for one in own):
            of_way = {one.rows: one for one in own if one.way == name}
            speeds = [f"{of_way[count].speed.median:.2f}" for count in rows]
            table.add_row(name, *speeds, f"{max(one.error for one in of_way.values()):.1e}")
        tables.append(table)
    return tables


# The ways


def packed_float32(layer: nn.Linear) -> Product:
    """As the search does."""
    (weight,) = packed([layer])
    return lambda rows: weight.product(rows, layer.bias)


def torch_bfloat16(layer: nn.Linear) -> Product:
    """PyTorch's own product."""
    weight, bias = layer.weight.bfloat16(), layer.bias.bfloat16()
    return lambda rows: nn.functional.linear(rows.bfloat16(), weight, bias).float()


def packed_bfloat16(layer: nn.Linear) -> Product:
    """As the search does in bfloat16."""
    copy = nn.Linear(layer.in_features, layer.out_features, dtype=torch.bfloat16)
    copy.load_state_dict(layer.state_dict())
    (weight,) = packed([copy])
    return lambda rows: weight.product(rows.bfloat16(), copy.bias).float()


def torch_int8(layer: nn.Linear) -> Product:
    """PyTorch's product of integers, which is slow on processors whose instructions oneDNN's needs."""
    with mock.patch.object(int8_linear, "has_packed_products", return_value=False):
        whole = Int8Linear(layer)

    def multiply(rows: Tensor) -> Tensor:
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-8) / 127
        products = torch._int_mm((rows / scale).round_().to(torch.int8), whole.weight)
        return torch.addcmul(whole.bias, products * scale, whole.weight_scale)

    return multiply


def torchao_int8(layer: nn.Linear) -> Product:
    """Weights rounded by output and inputs by row, in eager mode."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy = nn.Sequential(nn.Linear(layer.in_features, layer.out_features))
        copy[0].load_state_dict(layer.state_dict())
        quantize_(copy, Int8DynamicActivationInt8WeightConfig())
    return copy


def onnx_float32(layer: nn.Linear) -> Product:
    """Onnxruntime's product."""
    return _onnx_session(_onnx_model(layer))


def onnx_int8(layer: nn.Linear) -> Product:
    """Onnxruntime's dynamic quantisation: weights rounded by output, inputs with one scale for all rows."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        quantize_dynamic(_onnx_model(layer), path, per_channel=True, weight_type=QuantType.QInt8)
        return _onnx_session(onnx.load(path))


def _onnx_model(layer: nn.Linear) -> Any:
    from onnx import TensorProto, checker, helper, numpy_helper

    weight = numpy_helper.from_array(layer.weight.detach().numpy().T.copy(), "weight")
    bias = numpy_helper.from_array(layer.bias.detach().numpy(), "bias")
    nodes = [
        helper.make_node("MatMul", ["rows", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["result"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("rows", layer.in_features), ("result", layer.out_features))
    ]
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], [weight, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(model)
    return model


def _onnx_session(model: Any) -> Product:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"rows": rows.numpy()})[0]


def openvino_float32(layer: nn.Linear) -> Product:
    """OpenVINO's product, told not to round to bfloat16 by itself."""
    from openvino import opset13

    return _openvino_request(opset13.constant(layer.weight.detach().numpy()), layer, {})


def openvino_int8(layer: nn.Linear) -> Product:
    """OpenVINO's compressed weights, rounded by output, with inputs rounded in groups as it runs."""
    from openvino import opset13

    weights = layer.weight.detach().numpy()
    scale = np.abs(weights).max(axis=1, keepdims=True) / np.float32(127)
    whole = opset13.constant(np.rint(weights / scale).astype(np.int8))
    weight = opset13.multiply(opset13.convert(whole, np.float32), opset13.constant(scale))
    return _openvino_request(weight, layer, {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"})


def _openvino_request(weight: Any, layer: nn.Linear, options: dict[str, Any]) -> Product:
    import openvino
    from openvino import opset13

    rows = opset13.parameter([-1, layer.in_features], np.float32)
    matmul = opset13.matmul(rows, weight, transpose_a=False, transpose_b=True)
    result = opset13.add(matmul, opset13.constant(layer.bias.detach().numpy()))
    threads = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(openvino.Model([result], [rows], "layer"), "CPU", threads | options)
    request = compiled.create_infer_request()
    return lambda given: request.infer({0: given.numpy()}, share_inputs=True, share_outputs=True)[0]


if __name__ == "__main__":
    app()
