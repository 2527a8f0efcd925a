# ===- test_casts.py - Models with f16 and bf16 at their ends or inside ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Products cast what they read and write: no kernel that only casts is left, and a value is rounded once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from harness import VITC, isa_levels, run, run_ok

DIM, HIDDEN, CLASSES = 48, 100, 17  # 100 and 17 are no whole vectors

# TYPE stands for the type of 16 bits. Its values are in f32 where a name ends with f.
BLOCK = """
    n = LayerNormalization<axis = -1>(t, scale, shift)  m = MatMul(n, up)  h = Add(m, up_bias)  a = Gelu(h)
    half = Cast<to = TYPE>(a)  half_f = Cast<to = 1>(half)
    d = MatMul(half_f, down)  e = Add(d, down_bias)  s = Add(e, t)
    r = ReduceMean<keepdims = 0>(s, tokens)  l = MatMul(r, head)  y_f = Add(l, head_bias)  y = Cast<to = TYPE>(y_f)"""
GRAPHS = {
    "conv": (
        (3, 24, 24),
        """x_f = Cast<to = 1>(x)  p = Conv<kernel_shape = [8, 8], strides = [8, 8]>(x_f, patches, patch_bias)
        q = Reshape(p, rows)  t = Transpose<perm = [0, 2, 1]>(q)""",
    ),
    "linear": ((9, 30), "x_f = Cast<to = 1>(x)  p = MatMul(x_f, embed)  t = Add(p, patch_bias)"),
}
TYPES = {"float16": onnx.TensorProto.FLOAT16, "bfloat16": onnx.TensorProto.BFLOAT16}
ELEMENTS = {"float16": "f16", "bfloat16": "bf16"}


def save(path: Path, graph: str, **constants: np.ndarray) -> Path:
    parsed = parser.parse_graph(graph)
    used = {name for node in parsed.node for name in node.input}
    parsed.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items() if k in used)
    model = onnx.helper.make_model(parsed, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def write_model(path: Path, name: str, element: str) -> Path:
    rng = np.random.default_rng(0)
    shapes = {"patches": (DIM, 3, 8, 8), "patch_bias": (DIM,), "embed": (30, DIM), "scale": (DIM,), "shift": (DIM,)}
    shapes |= {"up": (DIM, HIDDEN), "up_bias": (HIDDEN,), "down": (HIDDEN, DIM), "down_bias": (DIM,)}
    shapes |= {"head": (DIM, CLASSES), "head_bias": (CLASSES,)}
    constants = {name: rng.standard_normal(shape, np.float32) * np.float32(0.2) for name, shape in shapes.items()}
    constants |= {"tokens": np.array([1]), "rows": np.array([0, DIM, -1])}
    shape, embed = GRAPHS[name]
    signature = f"({element}[B, {', '.join(map(str, shape))}] x) => ({element}[B, {CLASSES}] y)"
    body = (embed + BLOCK).replace("TYPE", str(TYPES[element]))
    return save(path, f"{name} {signature} {{ {body} }}", **constants)


def dump_kernels(model: Path) -> str:
    run_ok(VITC, model, "-o", model.parent / "program", f"--dump-phases-to={model.parent}")
    return (model.parent / "3-kernel.mlir").read_text()


@pytest.mark.parametrize("element", TYPES)
@pytest.mark.parametrize("name", GRAPHS)
def test_no_kernel_only_casts(name: str, element: str, tmp_path: Path) -> None:
    kernels = dump_kernels(write_model(tmp_path / "model.onnx", name, element))
    assert re.findall(r"^    kernel\.(gemm|mean|generic|gather|norm)", kernels, re.MULTILINE) == [
        "gemm",
        "gemm",
        "gemm",
        "mean",
        "gemm",
    ]
    for role, is_cast in (("lhs", [True, False, True, False]), ("init", [False, True, False, True])):
        found = re.findall(
            rf"^    kernel\.gemm .* {role}\(%\w+ at #map\d* : memref<\S+x(\w+)>\)", kernels, re.MULTILINE
        )
        assert found == [ELEMENTS[element] if cast else "f32" for cast in is_cast]


@pytest.mark.parametrize("name", GRAPHS)
def test_f16(name: str, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx", name, "float16")
    dump_kernels(model)
    x = np.random.default_rng(1).standard_normal((3, *GRAPHS[name][0])).astype(np.float16)
    np.save(tmp_path / "x.npy", x)
    expected = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]
    assert expected.dtype == np.float16 and np.ptp(expected) > 0.5
    for isa in isa_levels():
        command = [tmp_path / "program", "--threads", "2", "--input", f"x={tmp_path / 'x.npy'}"]
        run_ok(*command, "--isa", isa, "--output-dir", tmp_path / isa)
        np.testing.assert_array_max_ulp(np.load(tmp_path / isa / "y.npy"), expected, maxulp=1)


@pytest.mark.parametrize("element", TYPES)
def test_verify(element: str, tmp_path: Path) -> None:
    output = run_ok(VITC, "verify", write_model(tmp_path / "model.onnx", "conv", element))
    assert "5 kernels and 1 output agree with the reference" in output


@pytest.mark.parametrize(("units", "agrees"), [(1, True), (2, False)])
def test_verify_units_in_the_last_place(units: int, agrees: bool, tmp_path: Path) -> None:
    """About 1.5, a unit is 2**-10; the tolerance alone would allow a fifth of that."""
    graph = """g (float16[B, 8] x) => (float16[B, 16] y) {
        f = Cast<to = 1>(x)  p = MatMul(f, w)  s = Add(p, b)  y = Cast<to = 10>(s) }"""
    weights = np.random.default_rng(0).standard_normal((8, 16), np.float32) * np.float32(1e-6)
    bias = np.linspace(1.1, 1.9, 16, dtype=np.float16).astype(np.float32)
    model = save(tmp_path / "model.onnx", graph, w=weights, b=bias)
    planted = (bias + units * 2**-10).tolist()
    kernels, count = re.subn(
        r"dense<\[[^]]*\]> : tensor<16xf32>", f"dense<{planted}> : tensor<16xf32>", dump_kernels(model)
    )
    assert count == 1
    candidate = tmp_path / "candidate.mlir"
    candidate.write_text(kernels)
    result = run(VITC, "verify", model, f"--candidate={candidate}")
    assert result.returncode == (0 if agrees else 3)
    assert ("y: 'kernel.gemm' differs from the reference" in result.stderr) != agrees
    assert result.stderr.endswith("the tolerance 0.0001 of that or a unit in the last place\n") != agrees
