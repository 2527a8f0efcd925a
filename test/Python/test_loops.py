# ===- test_loops.py - Recurrent cells and loops ---------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Recurrent cells and loops give what ONNX Runtime's give, for any batch; real decoders give the same tokens."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import harness

BATCH = 3
FIXTURES = Path(os.environ.get("VITC_FIXTURES", ""), "real")

# Inputs in capitals become weights.
MODELS = {
    "lstm_both_ways": """
g (float[B, 7, 5] x, float[2, 24, 5] W, float[2, 24, 6] R, float[2, 48] BIAS)
    => (float[B, 7, 2, 6] y, float[B, 2, 6] h, float[B, 2, 6] c) {
  steps = Transpose<perm = [1, 0, 2]>(x)
  ys, hs, cs = LSTM<hidden_size = 6, direction = "bidirectional">(steps, W, R, BIAS)
  y = Transpose<perm = [2, 0, 1, 3]>(ys)
  h = Transpose<perm = [1, 0, 2]>(hs)
  c = Transpose<perm = [1, 0, 2]>(cs)
}""",
    # Few steps are no loop: the last cell state is written where the output has it.
    "lstm_unrolled": """
g (float[3, 2, 5] x, float[1, 24, 5] W, float[1, 24, 6] R, float[1, 48] BIAS)
    => (float[3, 1, 2, 6] y, float[1, 2, 6] h, float[1, 2, 6] c) {
  y, h, c = LSTM<hidden_size = 6>(x, W, R, BIAS)
}""",
    "gru_resets_state": """
g (float[6, 2, 5] x, float[1, 18, 5] W, float[1, 18, 6] R, float[1, 36] BIAS) => (float[6, 1, 2, 6] y) {
  y, "" = GRU<hidden_size = 6>(x, W, R, BIAS)
}""",
    "gru_reverse_with_lengths": """
g (float[6, 3, 5] x, float[1, 18, 5] W, float[1, 18, 6] R, float[1, 36] BIAS)
    => (float[6, 1, 3, 6] y, float[1, 3, 6] h) <int32[3] n = {6, 1, 4}> {
  y, h = GRU<hidden_size = 6, direction = "reverse", linear_before_reset = 1>(x, W, R, BIAS, n)
}""",
    "rnn_last_state": """
g (float[B, 5, 4] x, float[1, 6, 4] W, float[1, 6, 6] R, float[B, 1, 6] s) => (float[B, 1, 6] h) {
  steps = Transpose<perm = [1, 0, 2]>(x)
  start = Transpose<perm = [1, 0, 2]>(s)
  "", last = RNN<hidden_size = 6>(steps, W, R, , , start)
  h = Transpose<perm = [1, 0, 2]>(last)
}""",
    # The states change places: neither may be written before both are read.
    "loop_exchanges_states": """
g (float[B, 4] a, float[B, 4] b) => (float[B, 4] c, float[B, 4] d) <int64 n = {7}> {
  c, d = Loop <body = body (int64 i, bool go, float[B, 4] p, float[B, 4] q) => (bool go, float[B, 4] q, float[B, 4] r) {
    r = Sub(p, q) } > (n, , a, b)
}""",
    "loop_ends_when_computed": """
g (float[4] x) => (float[4] y, int64 steps) <int64 zero = {0}, float limit = {100.0}> {
  first = Constant<value = bool {1}>()
  y, steps = Loop <body = body (int64 i, bool go, float[4] p, int64 k) => (bool more, float[4] q, int64 m) {
    one = Constant<value = int64 {1}>()
    m = Add(k, one)
    q = Add(p, p)
    squares = Mul(q, q)
    sum = ReduceSum<keepdims = 0>(squares)
    more = Less(sum, limit) } > (, first, x, zero)
}""",
    # A number that stays at a fixed one ends no loop.
    "loop_stays_at_a_row": """
g (float[4, 3] x, float[3] s) => (float[3] sum, float[10, 3] rows) <int64 n = {10}, int64 end = {3}> {
  sum, rows = Loop <body = body (int64 i, bool go, float[3] p) => (bool go, float[3] q, float[3] row) {
    at = Min(i, end)
    row = Gather(x, at)
    q = Add(p, row) } > (n, , s)
}""",
    # Behind the end a slice is empty, and its sum 0.
    "loop_goes_on_behind_slices": """
g (float[4, 3] x, float[3] s) => (float[3] sum)
    <int64 n = {7}, int64[1] one = {1}, int64[1] end = {4}, int64[1] axis = {0}> {
  sum = Loop <body = body (int64 i, bool go, float[3] p) => (bool go, float[3] q) {
    from = Reshape(i, one)
    to = Add(from, one)
    bounded = Min(to, end)
    row = Slice(x, from, bounded, axis)
    added = ReduceSum<keepdims = 0>(row, axis)
    twice = Add(p, added)
    q = Add(twice, s) } > (n, , s)
}""",
    "loop_stacks_values": """
g (float[6, 4] x, float[4] s) => (float[4] sum, float[6, 4] sums) <int64 n = {6}> {
  sum, sums = Loop <body = body (int64 i, bool go, float[4] p) => (bool go, float[4] q, float[4] r) {
    row = Gather(x, i)
    q = Add(p, row)
    r = Neg(q) } > (n, , s)
}""",
    # A position that is counted in floats, as Paddle's exporter does, read and written; the rest is cut off behind.
    "loop_fills_positions": """
g (float[2, 9, 4] x) => (float[2, N, 4] y, int64 last)
    <int64 zero = {0}, int64[1] one = {1}, int64[1] end = {9}, float step = {1.0}, float limit = {6.0}> {
  first = Constant<value = bool {1}>()
  size = Constant<value = int64[3] {2, 9, 4}>()
  none = ConstantOfShape(size)
  count, filled = Loop <body = body (int64 i, bool go, int64 k, float[2, 9, 4] all)
      => (bool more, int64 next, float[2, 9, 4] written) {
    place = Cast<to = 1>(k)
    behind = Add(place, step)
    next = Cast<to = 7>(behind)
    from = Reshape(k, one)
    to = Reshape(next, one)
    bounded = Min(end, to)
    row = Slice(x, from, bounded, one)
    twice = Add(row, row)
    shape = Shape(row)
    indices = Expand(from, shape)
    written = ScatterElements<axis = 1>(all, indices, twice)
    more = Less(behind, limit) } > (, first, zero, none)
  stop = Reshape(count, one)
  start = Constant<value = int64[1] {0}>()
  y = Slice(filled, start, stop, one)
  last = Identity(count)
}""",
    # Rows of both inputs from the other end, along other axes; results along other axes, the last row first.
    "scan_axes_and_directions": """
g (float[3] s, float[3, 9] x, float[9, 2, 3] z) => (float[3] sum, float[9, 3] sums, float[2, 9, 3] parts) {
  sum, sums, parts = Scan <num_scan_inputs = 2, scan_input_axes = [1, -3], scan_input_directions = [1, 0],
      scan_output_axes = [0, 1], scan_output_directions = [1, 0],
      body = body (float[3] p, float[3] column, float[2, 3] part) => (float[3] q, float[3] r, float[2, 3] t) {
    twice = Add(p, column)
    t = Mul(part, twice)
    axis = Constant<value = int64[1] {0}>()
    q = ReduceMean<keepdims = 0>(t, axis)
    r = Neg(twice) } > (s, x, z)
}""",
    "scan_of_one_row": """
g (float[3] s, float[1, 3] x) => (float[3] sum, float[1, 3] sums) {
  sum, sums = Scan <num_scan_inputs = 1, body = body (float[3] p, float[3] row) => (float[3] q, float[3] r) {
    q = Add(p, row)
    r = Mul(p, row) } > (s, x)
}""",
    # More rows than a loop that is unrolled has iterations; the states change places.
    "scan_of_many_rows": """
g (float[2] a, float[2] b, float[5000, 2] x) => (float[2] c, float[2] d, float[2, 5000] sums) <float[1] less = {0.5}> {
  c, d, sums = Scan <num_scan_inputs = 1, scan_input_directions = [1], scan_output_axes = [1],
      scan_output_directions = [1],
      body = body (float[2] p, float[2] q, float[2] row) => (float[2] o, float[2] r, float[2] t) {
    o = Identity(q)
    smaller = Mul(p, less)
    sum = Add(smaller, row)
    r = Tanh(sum)
    t = Identity(r) } > (a, b, x)
}""",
    "scan_of_a_batch": """
g (float[B, 4] s, float[B, 7, 4] x) => (float[B, 4] sum, float[B, 7, 4] first, float[B, 7, 4] second) {
  first = Transpose<perm = [1, 0, 2]>(rows)
  sum, rows, second = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [0, 1],
      body = body (float[B, 4] p, float[B, 4] row) => (float[B, 4] q, float[B, 4] r, float[B, 4] t) {
    q = Add(p, row)
    r = Neg(q)
    t = Mul(q, row) } > (s, x)
}""",
    # A state of integers, and one that the body does not read.
    "scan_counts_rows": """
g (float[8, 3] x, float[3] s) => (int64 count, float[3] last, float[8, 3] rows) <int64 zero = {0}> {
  count, last, rows = Scan <num_scan_inputs = 1,
      body = body (int64 k, float[3] p, float[3] row) => (int64 m, float[3] row2, float[3] t) {
    one = Constant<value = int64 {1}>()
    m = Add(k, one)
    row2 = Neg(row)
    number = Cast<to = 1>(k)
    t = Mul(row, number) } > (zero, s, x)
}""",
    "scan_in_a_loop": """
g (float[6, 3] x, float[5, 3] z, float[3] s) => (float[3] sum, float[5, 6, 3] sums) <int64 n = {5}> {
  sum, sums = Loop <body = body (int64 i, bool go, float[3] p) => (bool go, float[3] q, float[6, 3] rows) {
    own = Gather(z, i)
    q, rows = Scan <num_scan_inputs = 1, body = inner (float[3] t, float[3] row) => (float[3] u, float[3] v) {
      w = Mul(row, own)
      u = Add(t, w)
      v = Neg(u) } > (p, x) } > (n, , s)
}""",
    # A Scan that takes rows up to a number that it hands on is unrolled, and reads the loop's number.
    "unrolled_scan_in_a_loop": """
g (float[3] s, float[5, 3] x, float[1] k) => (float[3] sum) <int64 n = {6}, int64[1] zero = {0}, int64[1] one = {1}> {
  index = Cast<to = 7>(k)
  sum = Loop <body = body (int64 i, bool go, float[3] p) => (bool go, float[3] q) {
    last, q = Scan <num_scan_inputs = 1,
        body = inner (int64[1] at, float[3] t, float[3] row) => (int64[1] next, float[3] u) {
      above = Greater(i, index)
      factor = Cast<to = 1>(above)
      part = Mul(row, factor)
      next = Add(at, one)
      rows = Slice(x, zero, next, zero)
      mean = ReduceMean<keepdims = 0>(rows, zero)
      sum = Add(part, mean)
      before = Tanh(t)
      u = Add(sum, before) } > (zero, p, x) } > (n, , s)
}""",
    "loop_in_a_scan": """
g (float[6, 3] x, float[7, 3] z, float[3] s) => (float[3] sum, float[6, 3] sums) <int64 n = {7}> {
  sum, sums = Scan <num_scan_inputs = 1, body = body (float[3] p, float[3] row) => (float[3] q, float[3] r) {
    q = Loop <body = inner (int64 i, bool go, float[3] t) => (bool go, float[3] u) {
      own = Gather(z, i)
      v = Mul(row, own)
      u = Add(t, v) } > (n, , p)
    r = Neg(q) } > (s, x)
}""",
    "scan_in_branches": """
g (float[6, 3] x, float[3] s, float[1] c) => (float[3] sum) <float[1] zero = {0.0}> {
  positive = Greater(c, zero)
  holds = Squeeze(positive)
  sum = If (holds) <then_branch = t () => (float[3] a) {
      a = Scan <num_scan_inputs = 1, body = first (float[3] p, float[3] row) => (float[3] q) {
        q = Add(p, row) } > (s, x) },
    else_branch = e () => (float[3] b) {
      b = Scan <num_scan_inputs = 1, scan_input_directions = [1],
        body = second (float[3] p, float[3] row) => (float[3] q) { half = Mul(p, row)
        q = Sub(half, row) } > (s, x) } >
}""",
    "scan_in_a_scan": """
g (float[6, 5, 3] x, float[3] s) => (float[3] sum, float[5, 6, 3] sums) {
  sum, sums = Scan <num_scan_inputs = 1, scan_output_axes = [1],
      body = body (float[3] p, float[5, 3] part) => (float[3] q, float[5, 3] rows) {
    q, rows = Scan <num_scan_inputs = 1, body = inner (float[3] t, float[3] row) => (float[3] u, float[3] v) {
      w = Tanh(t)
      u = Add(w, row)
      v = Neg(u) } > (p, part) } > (s, x)
}""",
}


def write_model(text: str, folder: Path) -> onnx.ModelProto:
    """Writes model.onnx."""
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 18]>' + text)
    generator = np.random.default_rng(3)
    for value in [each for each in model.graph.input if each.name.isupper()]:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        weights = (generator.standard_normal(shape) / 3).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weights, value.name))
        model.graph.input.remove(value)
    onnx.save(model, folder / "model.onnx")
    return model


def make_inputs(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    inputs = {}
    for value in model.graph.input:
        shape = [dim.dim_value or BATCH for dim in value.type.tensor_type.shape.dim]
        inputs[value.name] = generator.standard_normal(shape, dtype=np.float32)
    return inputs


def compile_text(text: str, folder: Path) -> onnx.ModelProto:
    model = write_model(text, folder)
    harness.run_ok(
        harness.VITC,
        "compile",
        folder / "model.onnx",
        "-o",
        folder / "model",
        "--march=native",
    )
    return model


def run_program(program: Path, inputs: dict[str, np.ndarray], folder: Path) -> dict[str, np.ndarray]:
    command = [program, "--output-dir", folder / "out"]
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        command += ["--input", f"{name}={folder / name}.npy"]
    harness.run_ok(*command)
    return {path.stem: np.load(path) for path in (folder / "out").iterdir()}


@pytest.mark.parametrize("text", MODELS.values(), ids=MODELS.keys())
def test_loop(text: str, tmp_path: Path) -> None:
    model = compile_text(text, tmp_path)
    inputs = make_inputs(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = dict(zip([each.name for each in model.graph.output], session.run(None, inputs)))
    results = run_program(tmp_path / "model", inputs, tmp_path)
    for name, value in expected.items():
        assert results[name].shape == value.shape, name
        np.testing.assert_allclose(results[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="VITC_FIXTURES names no folder of models")
def test_speller(tmp_path: Path) -> None:
    """Words of one length, whose spelling in katakana is known: each token is ONNX Runtime's."""
    words = [word for word in np.load(FIXTURES / "e2k_words.npz")["words"] if len(word) == 7]
    assert len(words) == 12
    model = FIXTURES / "e2k_c2k_greedy16.onnx"
    harness.run_ok(
        harness.VITC,
        "compile",
        model,
        "-o",
        tmp_path / "model",
        "--march=native",
        "--shape",
        "t=9",
    )
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for word in words:
        source = np.array([[1] + [ord(letter) - ord("a") + 3 for letter in word] + [2]], np.int64)
        ids, logits = session.run(None, {"src": source})
        results = run_program(tmp_path / "model", {"src": source}, tmp_path)
        assert results["ids"].tolist() == ids.tolist(), word
        np.testing.assert_allclose(results["logits"], logits, rtol=0, atol=1e-4)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="VITC_FIXTURES names no folder of models")
def test_additive_attention(tmp_path: Path) -> None:
    model = FIXTURES / "netra_bahdanau_greedy24.onnx"
    harness.run_ok(harness.VITC, "compile", model, "-o", tmp_path / "model", "--march=native")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(5)
    for _ in range(8):
        source = generator.integers(0, 28, (1, 25))
        ids, probabilities = session.run(None, {"src": source})
        results = run_program(tmp_path / "model", {"src": source}, tmp_path)
        assert results["ids"].tolist() == ids.tolist()
        np.testing.assert_allclose(results["probs"], probabilities, rtol=0, atol=1e-5)
