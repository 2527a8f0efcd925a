# ===- test_attention_kinds.py - How decoders attend, in ONNX files --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A recurrent decoder whose loop is in the file, with each kind of attention, soft and hard, and with none: it chooses
the tokens that ONNX Runtime chooses, of the same scores and for the same weights of the places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from harness import VITC, error_line, run_ok

BATCH, STEPS = 3, 6

# The body's state is h [B, 8]; it attends to the rows of memory [B, 6, 8] or to features [B, 8, 2, 3] by `row`, the
# state as [B, 1, 8]. Inputs in capitals become weights.
MODEL = """
g (float[B, {shape}] source, int64[B] start, float[9, 8] WORDS, float[8, 8] W, float[8, 8] U, float[8, 9] OUT{weights})
    => (int64[B, {steps}] tokens, float[B, {steps}, K, N] alphas, float[B, {steps}, 9] scores)
    <int64 n = {{{steps}}}, int64[1] one = {{1}}, int64[1] last = {{-1}}, int64[1] zero_axis = {{0}}> {{
  {before}
  h_last, token_last, token_steps, alpha_steps, score_steps = Loop <
    body = body (int64 i, bool go, float[B, 8] h, int64[B] token)
      => (bool go, float[B, 8] state, int64[B] chosen, int64[B] chosen, float[B, K, N] alpha, float[B, 9] logits) {{
    embedded = Gather(WORDS, token)
    mixed = MatMul(embedded, W)
    turned = MatMul(h, U)
    both = Add(mixed, turned)
    hidden = Tanh(both)
    row = Unsqueeze(hidden, one)
    {attend}
    context = Squeeze(mixture, one)
    state = Add(hidden, context)
    logits = MatMul(state, OUT)
    chosen = ArgMax<axis = -1, keepdims = 0>(logits) }} > (n, , first, start)
  tokens = Transpose(token_steps)
  alphas = Transpose<perm = [1, 0, 2, 3]>(alpha_steps)
  scores = Transpose<perm = [1, 0, 2]>(score_steps)
}}
"""

MEAN_STATE = "first = ReduceMean<keepdims = 0>(source, one)"
KEYS = MEAN_STATE + "\n  columns = Transpose<perm = [0, 2, 1]>({keys})"
SOFT = """
    alpha = Softmax<axis = -1>(score)
    mixture = MatMul(alpha, {values})"""

# For each kind: the source's shape, the weights of its own, what is computed once, the attention of a step.
KINDS = {
    "dot": ("6, 8", "", KEYS.format(keys="source"), "score = MatMul(row, columns)" + SOFT.format(values="source")),
    "scaled_dot": (
        "6, 8",
        ", float[8, 8] KEY, float[8, 8] VALUE, float[8, 8] QUERY",
        "keys = MatMul(source, KEY)\n  values = MatMul(source, VALUE)\n  " + KEYS.format(keys="keys"),
        """query = MatMul(row, QUERY)
    products = MatMul(query, columns)
    root = Constant<value = float {2.828427}>()
    score = Div(products, root)"""
        + SOFT.format(values="values"),
    ),
    "bilinear": (
        "6, 8",
        ", float[8, 8] GENERAL",
        KEYS.format(keys="source"),
        "query = MatMul(row, GENERAL)\n    score = MatMul(query, columns)" + SOFT.format(values="source"),
    ),
    "cosine": (
        "6, 8",
        "",
        "keys = LpNormalization<axis = 2, p = 2>(source)\n  " + KEYS.format(keys="keys"),
        """length = ReduceL2<keepdims = 1>(row, last)
    tiny = Constant<value = float {1e-8}>()
    bounded = Max(length, tiny)
    query = Div(row, bounded)
    cosines = MatMul(query, columns)
    sharpness = Constant<value = float {5.0}>()
    score = Mul(cosines, sharpness)"""
        + SOFT.format(values="source"),
    ),
    "mlp": (
        "6, 8",
        ", float[8, 10] QUERY, float[8, 10] KEY, float[10] BIAS, float[10, 1] V",
        "keys = MatMul(source, KEY)\n  " + MEAN_STATE,
        """query = MatMul(row, QUERY)
    sums = Add(query, keys)
    shifted = Add(sums, BIAS)
    bent = Tanh(shifted)
    column = MatMul(bent, V)
    score = Transpose<perm = [0, 2, 1]>(column)"""
        + SOFT.format(values="source"),
    ),
    # Keys and values are the feature map and linear maps of it, unscaled (visual attention layers).
    "feature_map": (
        "3, 4, 6",
        ", float[8, 3, 2, 2] FILTER, float[8, 8, 1, 1] POINT",
        """features = Conv<kernel_shape = [2, 2], strides = [2, 2]>(source, FILTER)
  mapped = Conv<kernel_shape = [1, 1]>(features, POINT)
  flat = Constant<value = int64[3] {0, 8, 6}>()
  columns = Reshape(features, flat)
  lines = Reshape(mapped, flat)
  values = Transpose<perm = [0, 2, 1]>(lines)
  first = ReduceMean<keepdims = 0>(values, one)""",
        "score = MatMul(row, columns)" + SOFT.format(values="values"),
    ),
    "hard_gather_elements": (
        "6, 8",
        "",
        KEYS.format(keys="source"),
        """score = MatMul(row, columns)
    alpha = Identity(score)
    best = ArgMax<axis = 2, keepdims = 1>(score)
    shape = Shape(row)
    places = Expand(best, shape)
    mixture = GatherElements<axis = 1>(source, places)""",
    ),
    "hard_gather_nd": (
        "6, 8",
        "",
        KEYS.format(keys="source"),
        """score = MatMul(row, columns)
    alpha = Identity(score)
    place = ArgMax<axis = 2, keepdims = 1>(score)
    mixture = GatherND<batch_dims = 1>(source, place)""",
    ),
    "hard_one_hot": (
        "6, 8",
        "",
        KEYS.format(keys="source"),
        """score = MatMul(row, columns)
    best = ArgMax<axis = 2, keepdims = 0>(score)
    depth = Constant<value = int64 {6}>()
    range = Constant<value = float[2] {0.0, 1.0}>()
    alpha = OneHot<axis = -1>(best, depth, range)
    mixture = MatMul(alpha, source)""",
    ),
    # A glimpse of 3 x 3 around the place that the state predicts.
    "glimpse_grid_sample": (
        "1, 9, 9",
        ", float[8, 2] PLACE, float[9, 8] LOOK, float[81, 8] FIRST",
        """flat = Flatten(source)
  first = MatMul(flat, FIRST)
  around = Constant<value = float[1, 3, 3, 2] {-0.25, -0.25, 0.0, -0.25, 0.25, -0.25, -0.25, 0.0, 0.0, 0.0, 0.25, 0.0,
    -0.25, 0.25, 0.0, 0.25, 0.25, 0.25}>()""",
        """place = MatMul(hidden, PLACE)
    bounded = Tanh(place)
    axes = Constant<value = int64[2] {1, 2}>()
    centre = Unsqueeze(bounded, axes)
    grid = Add(centre, around)
    glimpse = GridSample<align_corners = 1, mode = "bilinear", padding_mode = "zeros">(source, grid)
    alpha = Squeeze(glimpse, one)
    pixels = Flatten(glimpse)
    seen = MatMul(pixels, LOOK)
    mixture = Unsqueeze(seen, one)""",
    ),
    # Rows and columns counted from a corner that the state predicts, one for all items.
    "glimpse_slice": (
        "9, 9",
        ", float[8, 7] PLACE, float[9, 8] LOOK, float[81, 8] FIRST",
        """flat = Flatten(source)
  first = MatMul(flat, FIRST)
  three = Constant<value = int64[1] {3}>()
  axis = Constant<value = int64[1] {2}>()
  whole = Constant<value = int64[3] {-1, 1, 9}>()""",
        """chances = MatMul(hidden, PLACE)
    total = ReduceSum<keepdims = 0>(chances, zero_axis)
    from = ArgMax<axis = 0, keepdims = 1>(total)
    to = Add(from, three)
    strip = Slice(source, from, to, one)
    alpha = Slice(strip, from, to, axis)
    pixels = Flatten(alpha)
    seen = MatMul(pixels, LOOK)
    mixture = Unsqueeze(seen, one)""",
    ),
    "glimpse_gather": (
        "9, 9",
        ", float[8, 7] PLACE, float[9, 8] LOOK, float[81, 8] FIRST",
        """flat = Flatten(source)
  first = MatMul(flat, FIRST)
  steps = Constant<value = int64[3] {0, 1, 2}>()""",
        """chances = MatMul(hidden, PLACE)
    total = ReduceSum<keepdims = 0>(chances, zero_axis)
    from = ArgMax<axis = 0, keepdims = 1>(total)
    lines = Add(from, steps)
    strip = Gather<axis = 1>(source, lines)
    alpha = Gather<axis = 2>(strip, lines)
    pixels = Flatten(alpha)
    seen = MatMul(pixels, LOOK)
    mixture = Unsqueeze(seen, one)""",
    ),
    "last_state": (
        "6, 8",
        ", float[1, 24, 8] INPUT, float[1, 24, 8] STATE",
        """steps = Transpose<perm = [1, 0, 2]>(source)
  "", ended = GRU<hidden_size = 8>(steps, INPUT, STATE)
  zero = Constant<value = int64[1] {0}>()
  first = Squeeze(ended, zero)
  same = Unsqueeze(first, one)""",
        "alpha = Identity(row)\n    mixture = Identity(same)",
    ),
    "all_states_mapped": (
        "6, 8",
        ", float[1, 24, 8] INPUT, float[1, 24, 8] STATE, float[48, 8] MAP",
        """steps = Transpose<perm = [1, 0, 2]>(source)
  states, "" = GRU<hidden_size = 8>(steps, INPUT, STATE)
  ordered = Transpose<perm = [2, 0, 1, 3]>(states)
  flat = Flatten(ordered)
  first = MatMul(flat, MAP)
  same = Unsqueeze(first, one)""",
        "alpha = Identity(row)\n    mixture = Identity(same)",
    ),
}


def make_model(kind: str) -> onnx.ModelProto:
    shape, weights, before, attend = KINDS[kind]
    text = MODEL.format(shape=shape, weights=weights, before=before, attend=attend, steps=STEPS)
    if "total = ReduceSum" in attend:  # one place for all items of a batch: they are one
        text = text.replace("[B,", "[1,").replace("[B]", "[1]").replace(", B", ", 1")
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 18]>' + text)
    rng = np.random.default_rng(12)
    for value in [each for each in model.graph.input if each.name.isupper()]:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        # With large weights rounding errors would grow from step to step.
        scale = 1 if value.name in ("WORDS", "OUT") else 0.2
        weight = (scale * rng.standard_normal(sizes)).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weight, value.name))
        model.graph.input.remove(value)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_attention_kind(tmp_path: Path, kind: str) -> None:
    model = make_model(kind)
    onnx.save(model, tmp_path / "model.onnx")
    run_ok(VITC, tmp_path / "model.onnx", "-o", tmp_path / "model", "--march=native", "-O0")
    source_type, _ = (value.type.tensor_type.shape.dim for value in model.graph.input)
    batch, *sizes = (dim.dim_value or BATCH for dim in source_type)
    rng = np.random.default_rng(7)
    inputs = {"source": rng.standard_normal((batch, *sizes)).astype(np.float32), "start": np.arange(batch)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = ["tokens", "alphas", "scores"]
    expected = dict(zip(names, session.run(names, inputs), strict=True))
    assert len(np.unique(expected["tokens"])) > 3, "the steps do not tell tokens apart"
    command = [tmp_path / "model", "--output-dir", tmp_path / "out"]
    for name, value in inputs.items():
        np.save(tmp_path / f"{name}.npy", value)
        command += ["--input", f"{name}={tmp_path / name}.npy"]
    run_ok(*command)
    results = {name: np.load(tmp_path / "out" / f"{name}.npy") for name in names}
    assert results["tokens"].tolist() == expected["tokens"].tolist()
    for name in names[1:]:
        np.testing.assert_allclose(results[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


CROP = """
<ir_version: 8, opset_import: ["": 18]>
g (float[1, 9, 4] x, int64[1] place) => (float[1, N, 4] y)
    <int64[1] one = {{1}}, int64[1] three = {{3}}, int64[1] ten = {{10}}> {{
  end = {end}
  y = Slice(x, place, end, one)
}}
"""


@pytest.mark.parametrize(
    ("place", "expected"), [(0, [0, 1, 2]), (4, [4, 5, 6]), (-5, [4, 5, 6]), (8, [6, 7, 8]), (-20, [0, 1, 2])]
)
def test_crop_places(crop: Path, tmp_path: Path, place: int, expected: list[int]) -> None:
    """Negative places count from the end; what would lie outside gives the first or last positions."""
    x = np.arange(36, dtype=np.float32).reshape(1, 9, 4)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "place.npy", np.array([place]))
    inputs = [f"--input={name}={tmp_path / name}.npy" for name in ("x", "place")]
    run_ok(crop, *inputs, "--output-dir", tmp_path / "out")
    assert np.load(tmp_path / "out" / "y.npy").tolist() == x[:, expected].tolist()


@pytest.fixture(scope="module")
def crop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crop")
    onnx.save(onnx.parser.parse_model(CROP.format(end="Add(place, three)")), folder / "crop.onnx")
    run_ok(VITC, folder / "crop.onnx", "-o", folder / "crop", "--march=native", "-O0")
    return folder / "crop"


@pytest.mark.parametrize("end", ["Mul(place, three)", "Add(place, ten)", "Sub(place, three)"])
def test_crop_of_unknown_size(tmp_path: Path, end: str) -> None:
    onnx.save(onnx.parser.parse_model(CROP.format(end=end)), tmp_path / "crop.onnx")
    line = error_line(VITC, tmp_path / "crop.onnx", "-o", tmp_path / "crop", code=1)
    assert "(Slice): input 1, 'place', is computed at run time; needs a constant" in line


@pytest.mark.parametrize("p", [1, 2])
def test_unit_length(tmp_path: Path, p: int) -> None:
    text = f"""<ir_version: 8, opset_import: ["": 18]>
g (float[B, 5, 4] x) => (float[B, 5, 4] y) {{ y = LpNormalization<axis = 1, p = {p}>(x) }}"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "unit.onnx")
    run_ok(VITC, tmp_path / "unit.onnx", "-o", tmp_path / "unit", "--march=native", "-O0")
    x = np.random.default_rng(1).standard_normal((2, 5, 4)).astype(np.float32)
    x[1, :, 2] = 0
    np.save(tmp_path / "x.npy", x)
    run_ok(tmp_path / "unit", "--input", tmp_path / "x.npy", "--output-dir", tmp_path / "out")
    length = np.linalg.norm(x.astype(np.float64), ord=p, axis=1, keepdims=True)
    expected = np.divide(x, length, out=np.zeros(x.shape), where=length != 0)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y.npy"), expected, rtol=1e-6, atol=1e-7)
