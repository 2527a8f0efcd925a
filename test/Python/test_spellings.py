# ===- test_spellings.py - Attention however an exporter writes it --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Attention in the spellings of ONNX files, and what only resembles it, against ONNX Runtime.

Every case takes x [B, 10, 32], with products that make q, k and v [B, 4, 10, 8] of it, to r [B, 4, 10, 8], which is
projected to the output. RAISED become one vit.attention; LOOKALIKES are no attention, keep their softmax, and must
be as right.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from harness import VITC, run_ok

BATCH = 3
RTOL = 1e-5  # of the output's largest value

HEAD = """spelling (float[B, 10, 32] x) => (float[B, 10, 32] y) {
  xq = MatMul(x, wq)  xqb = Add(xq, bq)  xqh = Reshape(xqb, heads)  q = Transpose<perm = [0, 2, 1, 3]>(xqh)
  xk = MatMul(x, wk)  xkh = Reshape(xk, heads)  k = Transpose<perm = [0, 2, 1, 3]>(xkh)
  xv = MatMul(x, wv)  xvb = Add(bv, xv)  xvh = Reshape(xvb, heads)  v = Transpose<perm = [0, 2, 1, 3]>(xvh)
  kt = Transpose<perm = [0, 1, 3, 2]>(k)
"""
TAIL = """
  rt = Transpose<perm = [0, 2, 1, 3]>(r)  rm = Reshape(rt, tokens)  y = MatMul(rm, wo)
}
"""

# From s to r; the scores before it are what most cases differ in.
SOFTMAX = " p = Softmax<axis = -1>(s)  r = MatMul(p, v)"
# A row of x as a mask of keys: [B, 1, 1, 10].
KEYS = " x0 = Slice(x, zero, one, two)  x1 = Transpose<perm = [0, 2, 1]>(x0)  x2 = Unsqueeze(x1, one)"

RAISED = {
    "scale_after": "a = MatMul(q, kt)  s = Mul(a, scale)" + SOFTMAX,
    "scale_first_operand": "a = MatMul(q, kt)  s = Mul(scale, a)" + SOFTMAX,
    "div_after": "a = MatMul(q, kt)  s = Div(a, divisor)" + SOFTMAX,
    "scale_query": "a = Mul(q, scale)  s = MatMul(a, kt)" + SOFTMAX,
    "scale_key": "a = Div(kt, divisor)  s = MatMul(q, a)" + SOFTMAX,
    "scale_both": "a = Mul(q, root)  b = Mul(kt, root)  s = MatMul(a, b)" + SOFTMAX,
    "scale_none": "s = MatMul(q, kt)" + SOFTMAX,
    "scale_per_head": "a = MatMul(q, kt)  s = Mul(a, head_scale)" + SOFTMAX,
    "scale_computed": KEYS
    + " c = ReduceMean<keepdims = 1, axes = [3]>(x2)  a = MatMul(q, kt)  s = Mul(a, c)"
    + SOFTMAX,
    "einsum": """s0 = Einsum<equation = "bhid,bhjd->bhij">(q, k)  s = Mul(s0, scale)  p = Softmax<axis = 3>(s)
        r = Einsum<equation = "bhij,bhjd->bhid">(p, v)""",
    "einsum_unsplit": """s0 = Einsum<equation = "bihd,bjhd->bhij">(xqh, xkh)  s = Mul(s0, scale)  p = Softmax(s)
        r0 = Einsum<equation = "bhij,bjhd->bihd">(p, xvh)  r = Transpose<perm = [0, 2, 1, 3]>(r0)""",
    "keys_by_queries": """qt = Transpose<perm = [0, 1, 3, 2]>(q)  a = MatMul(k, qt)  s = Mul(a, scale)
        p = Softmax<axis = 2>(s)  pt = Transpose<perm = [0, 1, 3, 2]>(p)  r = MatMul(pt, v)""",
    "channels_first": """qt = Transpose<perm = [0, 1, 3, 2]>(q)  vt = Transpose<perm = [0, 1, 3, 2]>(v)
        a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax<axis = 3>(s)  pt = Transpose<perm = [0, 1, 3, 2]>(p)
        r0 = MatMul(vt, pt)  r = Transpose<perm = [0, 1, 3, 2]>(r0)""",
    "batch_of_heads": """q3 = Reshape(q, flat)  k3 = Reshape(k, flat)  v3 = Reshape(v, flat)
        k3t = Transpose<perm = [0, 2, 1]>(k3)  a = MatMul(q3, k3t)  s = Mul(a, scale)  p = Softmax<axis = 2>(s)
        r3 = MatMul(p, v3)  r = Reshape(r3, unflat)""",
    "bias": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Add(b, bias)" + SOFTMAX,
    "bias_first_operand": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Add(bias, b)" + SOFTMAX,
    "bias_then_scale": "a = MatMul(q, kt)  b = Add(a, bias)  s = Mul(b, scale)" + SOFTMAX,
    "bias_subtracted": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Sub(b, bias)" + SOFTMAX,
    "bias_one_head": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Add(b, causal)" + SOFTMAX,
    "bias_and_mask": KEYS + " a = MatMul(q, kt)  b = Mul(a, scale)  c = Add(b, bias)  s = Add(c, x2)" + SOFTMAX,
    "mask_where": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Where(keep, b, minus_inf)" + SOFTMAX,
    "mask_where_computed": KEYS
    + " c = Greater(x2, unit)  a = MatMul(q, kt)  b = Mul(a, scale)  s = Where(c, masked, b)"
    + SOFTMAX,
    "mask_of_whole_rows": "a = MatMul(q, kt)  b = Mul(a, large)  s = Where(whole, minimum, b)" + SOFTMAX,
    "mask_where_twice": "a = MatMul(q, kt)  b = Where(keep, a, minimum)  s = Where(whole, minimum, b)" + SOFTMAX,
    "mask_of_integers": KEYS
    + """ c = Greater(x2, scale)  d = Cast<to = 7>(c)  e = Sub(one, d)  f = Cast<to = 1>(e)  m = Mul(f, lowest)
        a = MatMul(q, kt)  b = Div(a, divisor)  s = Add(b, m)"""
    + SOFTMAX,
    "windows_5d": """w = Constant<value_ints = [0, 4, 2, 5, 8]>()  q5 = Reshape(q, w)  k5 = Reshape(k, w)
        v5 = Reshape(v, w)  kt5 = Transpose<perm = [0, 1, 2, 4, 3]>(k5)  a = MatMul(q5, kt5)  b = Mul(a, scale)
        s = Add(b, window_bias)  p = Softmax<axis = 4>(s)  r5 = MatMul(p, v5)  r = Reshape(r5, unflat)""",
    "fewer_keys": """k4 = Slice(kt, zero, four, three)  v4 = Slice(v, four, eight, two)  a = MatMul(q, k4)
        s = Mul(a, scale)  p = Softmax(s)  r = MatMul(p, v4)""",
    "projected_keys": """kp = MatMul(kt, project)  vp = Einsum<equation = "bhnd,nk->bhkd">(v, project)
        a = MatMul(q, kp)  s = Mul(a, scale)  p = Softmax(s)  r = MatMul(p, vp)""",
    "pooled_keys": """kp = AveragePool<kernel_shape = [1, 2], strides = [1, 2]>(kt)
        vp = MaxPool<kernel_shape = [2, 1], strides = [2, 1]>(v)
        a = MatMul(q, kp)  s = Mul(a, scale)  p = Softmax(s)  r = MatMul(p, vp)""",
    "one_key_head": """k1 = Slice(kt, zero, one, one)  v1 = Slice(v, one, two, one)  a = MatMul(q, k1)
        s = Mul(a, scale)  p = Softmax(s)  r = MatMul(p, v1)""",
    "cosine": """ql = ReduceL2<keepdims = 1, axes = [3]>(q)  qn = Div(q, ql)
        kl = ReduceL2<keepdims = 1, axes = [2]>(kt)  kn = Div(kt, kl)  a = MatMul(qn, kn)
        b = Mul(a, head_scale)  s = Add(b, bias)"""
    + SOFTMAX,
    "casts": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Cast<to = 1>(b)  p0 = Softmax(s)  p = Cast<to = 1>(p0)"
    "  r = MatMul(p, v)",
    "dropout_identity": "a = MatMul(q, kt)  s = Mul(a, scale)  p0 = Softmax(s)  p = Dropout(p0)  r = MatMul(p, v)",
}

LOOKALIKES = {
    "softmax_over_queries": "a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax<axis = 2>(s)  r = MatMul(p, v)",
    "softmax_over_heads": "a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax<axis = 1>(s)  r = MatMul(p, v)",
    "probabilities_transposed": """a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax(s)
        pt = Transpose<perm = [0, 1, 3, 2]>(p)  r = MatMul(pt, v)""",
    "heads_mixed_after": """a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax(s)
        m = Einsum<equation = "bhij,hg->bgij">(p, mix)  r = MatMul(m, v)""",
    "probabilities_scaled_per_key": KEYS
    + " a = MatMul(q, kt)  s = Mul(a, scale)  p0 = Softmax(s)  p = Mul(p0, x2)  r = MatMul(p, v)",
    "probabilities_second_user": """a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax(s)  r0 = MatMul(p, v)
        u = Slice(p, zero, eight, three)  r = Add(r0, u)""",
    "probabilities_sliced": """a = MatMul(q, kt)  s = Mul(a, scale)  p0 = Softmax(s)  p = Slice(p0, one, eight, three)
        v7 = Slice(v, one, eight, two)  r = MatMul(p, v7)""",
    # -1e9 + score would round the scores of rows without keys.
    "mask_rounds_scores": "a = MatMul(q, kt)  b = Mul(a, large)  s = Where(whole, billion, b)" + SOFTMAX,
    "masks_of_two_numbers": "a = MatMul(q, kt)  b = Where(keep, a, minus_inf)  s = Where(whole, masked, b)" + SOFTMAX,
    "values_of_two_products": """a = MatMul(q, kt)  s = Mul(a, scale)  p = Softmax(s)  n = MatMul(p, p)
        r = MatMul(n, v)""",
}

# Attention too, but for what else becomes of the scores.
SCORES = {
    "second_user": "a = MatMul(q, kt)  s = Mul(a, scale)"
    + SOFTMAX.replace("r =", "r0 =")
    + "  u = ReduceMean<keepdims = 1, axes = [3]>(s)  r = Add(r0, u)",
    "heads_mixed_before": """a = MatMul(q, kt)  b = Einsum<equation = "bhij,hg->bgij">(a, mix)  s = Mul(b, scale)"""
    + SOFTMAX,
    "negative": "a = MatMul(q, kt)  s = Neg(a)" + SOFTMAX,
    "mask_where_small": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Where(keep, b, lowest)" + SOFTMAX,
    "softcap": "a = MatMul(q, kt)  b = Mul(a, scale)  c = Tanh(b)  s = Mul(c, divisor)" + SOFTMAX,
    "squared": "a = MatMul(q, kt)  b = Mul(a, scale)  s = Mul(b, b)" + SOFTMAX,
    "by_query": "x0 = Slice(x, zero, one, two)  c = Unsqueeze(x0, one)  a = MatMul(q, kt)  s = Mul(a, c)" + SOFTMAX,
}


def tensors() -> dict[str, np.ndarray]:
    """What the cases read beside x; large enough that a term left out moves the output by far more than RTOL."""
    rng = np.random.default_rng(0)

    def normal(*shape: int, deviation: float = 1.0) -> np.ndarray:
        return (rng.standard_normal(shape) * deviation).astype(np.float32)

    floats = {f"w{name}": normal(32, 32, deviation=0.3) for name in "qkvo"}
    floats |= {"bq": normal(32), "bv": normal(32), "bias": normal(1, 4, 10, 10), "window_bias": normal(1, 4, 1, 5, 5)}
    floats |= {"project": normal(10, 6), "mix": normal(4, 4), "head_scale": 1 + normal(4, 1, 1, deviation=0.5)}
    floats["causal"] = np.triu(np.full((10, 10), -np.inf, np.float32), 1)
    scalars = {
        "scale": 8**-0.5,
        "divisor": 8**0.5,
        "root": 8**-0.25,
        "unit": 1,
        "minus_inf": -np.inf,
        "lowest": -1e4,
        "large": 10,
        "masked": -1e30,
        "billion": -1e9,
        "minimum": np.finfo(np.float32).min,
    }
    floats |= {name: np.float32(value) for name, value in scalars.items()}
    shapes = {"heads": [0, -1, 4, 8], "tokens": [0, -1, 32], "flat": [-1, 10, 8], "unflat": [-1, 4, 10, 8]}
    shapes |= {"zero": [0], "one": [1], "two": [2], "three": [3], "four": [4], "eight": [8]}
    masks = {"keep": np.tri(10, dtype=bool), "whole": ~np.eye(10, dtype=bool)}
    masks["whole"][6:] = True  # rows without any key
    return floats | {name: np.array(value) for name, value in shapes.items()} | masks


def save(path: Path, body: str) -> None:
    graph = parser.parse_graph(HEAD + body + TAIL)
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(v), k) for k, v in tensors().items() if k in used)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)


def raised_and_left(folder: Path, body: str) -> tuple[int, int]:
    """The vit.attention ops of a case after raising, and what keeps a softmax, its output being compared before."""
    model = folder / "model.onnx"
    save(model, body)
    x = np.random.default_rng(1).standard_normal((BATCH, 10, 32), np.float32)
    np.save(folder / "x.npy", x)
    options = ["--input", folder / "x.npy", "--output-dir", folder, f"--dump-phases-to={folder}"]
    run_ok(VITC, "run", model, *options)
    (expected,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(np.load(folder / "y.npy"), expected, rtol=0, atol=RTOL * np.abs(expected).max())
    text = (folder / "1-raise.mlir").read_text()
    kept = re.findall(r"= (?:linalg\.softmax|vit\.softmax_matmul) ", text)
    return len(re.findall(r"= vit\.attention ", text)), len(kept)


@pytest.mark.parametrize("name", RAISED)
def test_raised(name: str, tmp_path: Path) -> None:
    assert raised_and_left(tmp_path, RAISED[name]) == (1, 0)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_lookalike_keeps_its_softmax(name: str, tmp_path: Path) -> None:
    assert raised_and_left(tmp_path, LOOKALIKES[name]) == (0, 1)


@pytest.mark.parametrize("name", SCORES)
def test_scores(name: str, tmp_path: Path) -> None:
    """Raised with the scores as a bias, or not: either is right, but the softmax is computed once."""
    assert sum(raised_and_left(tmp_path, SCORES[name])) == 1
