# ===- test_kernels.py - What convert-vit-to-kernel makes of an op computes ===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Programs of a few ops against numpy in float64: movement, products, convolutions, attention with masks, norms.

The error is the largest difference over the largest expected value. What only moves is exact; sums of n products of
standard normal numbers in f32 stay below 2e-6 for the n of this file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from harness import VITC, run_ok

TOLERANCE = 2e-6
BATCH = 2

Arrays = dict[str, np.ndarray]


@dataclass
class Case:
    """`body` is the text of @forward's body, whose arguments are the arrays' names; dim 0 of `fixed` is static."""

    body: str
    inputs: Arrays
    expected: Callable[[Arrays], np.ndarray]
    fixed: tuple[str, ...] = ()
    exact: bool = False


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(list(shape)).standard_normal(shape).astype(np.float32)


def tensor(shape: tuple[int, ...], *, dynamic: bool) -> str:
    sizes = ["?" if dynamic and i == 0 else str(size) for i, size in enumerate(shape)]
    return f"tensor<{'x'.join([*sizes, 'f32'])}>"


def dense(array: np.ndarray) -> str:
    """A constant of the module."""
    return f"arith.constant dense<{array.tolist()}> : {tensor(array.shape, dynamic=False)}"


def evaluate(
    case: Case, directory: Path, target: Sequence[str] = (), emulator: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """The program's result and the expected one."""
    wide = {name: value.astype(np.float64) for name, value in case.inputs.items()}
    expected = case.expected(wide)
    arguments = ", ".join(
        f'%{name}: {tensor(value.shape, dynamic=name not in case.fixed)} {{vit.name = "{name}"}}'
        for name, value in case.inputs.items()
    )
    result = tensor(expected.shape, dynamic=True)
    module = directory / "module.mlir"
    module.write_text(
        f'func.func @forward({arguments}) -> ({result} {{vit.name = "result"}}) {{\n{case.body}\n'
        f"  return %result : {result}\n}}\n"
    )
    program = directory / "program"
    run_ok(VITC, "compile", module, *target, "-o", program)
    options = []
    for name, value in case.inputs.items():
        np.save(directory / f"{name}.npy", value)
        options += ["--input", f"{name}={directory / name}.npy"]
    run_ok(*emulator, program, *options, "--output-dir", directory)
    return np.load(directory / "result.npy"), expected


# --- The definitions, in numpy ------------------------------------------------


def layer_norm(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def merge_patches(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], axis=-1)


def partition(x: np.ndarray, size: int) -> np.ndarray:
    b, h, w, c = x.shape
    return x.reshape(b, h // size, size, w // size, size, c).transpose(0, 1, 3, 2, 4, 5).reshape(-1, size * size, c)


def attention(x: Arrays, addends: list[np.ndarray]) -> np.ndarray:
    scores = 0.25 * np.einsum("bhid,bhjd->bhij", x["q"], x["k"])
    for addend in addends:
        scores = scores + np.tile(addend, (len(scores) // len(addend), 1, 1, 1))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ x["v"]


def convolve(x: np.ndarray, filters: np.ndarray, stride: int, pad: int, dilation: int, groups: int) -> np.ndarray:
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    size = (filters.shape[2] - 1) * dilation + 1
    taps = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride, ::dilation, ::dilation]
    inputs, outputs = np.split(taps, groups, axis=1), np.split(filters, groups)
    return np.concatenate(
        [np.einsum("bcyxij,ocij->boyx", i, o.astype(np.float64)) for i, o in zip(inputs, outputs, strict=True)], axis=1
    )


# --- Movement -----------------------------------------------------------------

MAP = "tensor<?x8x8x32xf32>"
DIM = "  %c0 = arith.constant 0 : index\n  %b = tensor.dim %x, %c0 : "

MOVEMENT = {
    "windows_and_back": Case(
        f"""  %s = vit.cyclic_shift %x shift [2, -3] : {MAP}
  %w = vit.window_partition %s window [4, 4] : {MAP} -> tensor<?x16x32xf32>
  %n = vit.layer_norm %w epsilon 1.0e-05 : tensor<?x16x32xf32>
  %r = vit.window_reverse %n window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> {MAP}
  %result = vit.cyclic_shift %r shift [-2, 3] : {MAP}""",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: layer_norm(x["x"]),
    ),
    "merged_patches": Case(
        f"  %result = vit.patch_merging %x : {MAP} -> tensor<?x4x4x128xf32>",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: merge_patches(x["x"]),
        exact=True,
    ),
    "reshape_and_transpose": Case(
        f"""{DIM}{MAP}
  %c = tensor.collapse_shape %x [[0], [1, 2], [3]] : {MAP} into tensor<?x64x32xf32>
  %e = tensor.expand_shape %c [[0], [1, 2], [3]] output_shape [%b, 16, 4, 32]
    : tensor<?x64x32xf32> into tensor<?x16x4x32xf32>
  %i = tensor.empty(%b) : tensor<?x32x16x4xf32>
  %result = linalg.transpose ins(%e : tensor<?x16x4x32xf32>) outs(%i : tensor<?x32x16x4xf32>)
    permutation = [0, 3, 1, 2]""",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: x["x"].reshape(-1, 16, 4, 32).transpose(0, 3, 1, 2),
        exact=True,
    ),
    # The first part is written in place, the second, of which there are two users, copied.
    "concat_of_slices": Case(
        f"""{DIM}{MAP}
  %n = vit.layer_norm %x epsilon 1.0e-05 : {MAP}
  %s = tensor.extract_slice %n[0, 0, 1, 0] [%b, 8, 2, 32] [1, 1, 3, 1] : {MAP} to tensor<?x8x2x32xf32>
  %m = vit.layer_norm %s epsilon 1.0e-05 : tensor<?x8x2x32xf32>
  %result = tensor.concat dim(2) %m, %s : (tensor<?x8x2x32xf32>, tensor<?x8x2x32xf32>) -> tensor<?x8x4x32xf32>""",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: np.concatenate(
            [layer_norm(layer_norm(x["x"])[:, :, 1:5:3]), layer_norm(x["x"])[:, :, 1:5:3]], axis=2
        ),
    ),
    "pad": Case(
        f"""  %v = arith.constant 2.0 : f32
  %result = tensor.pad %x low[0, 1, 2, 0] high[0, 0, 1, 0] {{
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %v : f32
  }} : {MAP} to tensor<?x9x11x32xf32>""",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: np.pad(x["x"], ((0, 0), (1, 0), (2, 1), (0, 0)), constant_values=2),
        exact=True,
    ),
}

# --- Products -----------------------------------------------------------------


def product(equation: str, lhs: np.ndarray, rhs: np.ndarray, fixed: tuple[str, ...] = (), start: float = 0.0) -> Case:
    """linalg.contract of %x and %y by an equation of numpy's einsum, added to `start`; a fixed %y is a constant."""
    x, y = lhs, rhs
    left, right = equation.split("->")[0].split(",")
    out = equation.split("->")[1]
    loops = "".join(dict.fromkeys(out + left + right))
    maps = ", ".join(f"affine_map<({', '.join(loops)}) -> ({', '.join(part)})>" for part in (left, right, out))
    extents = dict(zip(left + right, x.shape + y.shape, strict=True))
    types = {name: tensor(value.shape, dynamic=name not in fixed) for name, value in (("x", x), ("y", y))}
    result = tensor(tuple(extents[letter] for letter in out), dynamic=True)
    source = "x" if "x" not in fixed else "y"
    constants = "".join(f"  %{name} = {dense({'x': x, 'y': y}[name])}\n" for name in fixed)
    body = f"""{constants}  %c0 = arith.constant 0 : index
  %b = tensor.dim %{source}, %c0 : {types[source]}
  %e = tensor.empty(%b) : {result}
  %s = arith.constant {start} : f32
  %f = linalg.fill ins(%s : f32) outs(%e : {result}) -> {result}
  %result = linalg.contract indexing_maps = [{maps}] ins(%x, %y : {types["x"]}, {types["y"]})
    outs(%f : {result}) -> {result}"""
    inputs = {name: value for name, value in (("x", x), ("y", y)) if name not in fixed}
    constant = {name: {"x": x, "y": y}[name] for name in fixed}
    return Case(
        body, inputs, lambda arrays: np.einsum(equation, *({**arrays, **constant}[n] for n in ("x", "y"))) + start
    )


HEADS, KEYS, SCORES = random(BATCH, 3, 17, 20), random(BATCH + 1, 3, 17, 20)[1:], random(BATCH, 3, 17, 17)
PRODUCTS = {
    "query_key": product("bhid,bhjd->bhij", HEADS, KEYS),
    "scores_value": product("bhij,bhjd->bhid", SCORES, KEYS),
    "scores_value_merged": product("bhij,bhjd->bihd", SCORES, KEYS),
    "columns_first": product("bhij,bhjd->bhdi", SCORES, KEYS),
    "filter_a_head": product("bhid,hde->bhie", HEADS, random(3, 20, 70), fixed=("y",)),
    "sum_over_heads": product("bhid,hde->bie", HEADS, random(3, 20, 70), fixed=("y",), start=1.0),
    "projected_keys": product("kn,bnd->bkd", random(9, 30), random(BATCH, 30, 20), fixed=("x",)),
    "projected_keys_transposed": product("nk,bnd->bkd", random(30, 9), random(BATCH, 30, 20), fixed=("x",)),
    "constant_columns": product("bmk,kn->bmn", random(BATCH, 30, 20), random(20, 70), fixed=("y",)),
    "rows_not_contiguous": product("bkm,kn->bmn", random(BATCH, 20, 30), random(20, 70), fixed=("y",)),
    "channels_first": product("oc,bcp->bop", random(70, 20), random(BATCH, 20, 30), fixed=("x",)),
    "vector": product("bmk,k->bm", random(BATCH, 30, 20), random(20), fixed=("y",)),
}

# --- Convolutions -------------------------------------------------------------


def convolution(
    channels: int,
    outputs: int,
    size: int,
    *,
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    groups: int = 1,
    channels_last: bool = False,
    epilogue: bool = False,
) -> Case:
    """vit.conv2d on a 9 x 11 map, which is stored [B, H, W, C] if `channels_last`.

    `epilogue`: with ReLU and a residual, of numbers in the result's order.
    """
    x = random(BATCH, channels, 9, 11)
    filters, bias = random(outputs, channels // groups, size, size), random(outputs)
    height, width = ((extent + 2 * pad - (size - 1) * dilation - 1) // stride + 1 for extent in (9, 11))
    image = tensor(x.shape, dynamic=True)
    text = f"  %f = {dense(filters)}\n  %o = {dense(bias)}\n"
    if channels_last:
        stored = tensor((BATCH, 9, 11, channels), dynamic=True)
        text += f"""{DIM}{stored}
  %e = tensor.empty(%b) : {image}
  %i = linalg.transpose ins(%x : {stored}) outs(%e : {image}) permutation = [0, 3, 1, 2]
"""
    result = tensor((BATCH, outputs, height, width), dynamic=True)
    residual = f"residual(%r : {result})" if epilogue else ""
    activation = "activation relu" if epilogue else ""
    text += f"""  %result = vit.conv2d %{"i" if channels_last else "x"}, %f bias(%o : tensor<{outputs}xf32>) {residual}
    stride [{stride}, {stride}] pad [{pad}, {pad}, {pad}, {pad}] dilation [{dilation}, {dilation}] groups {groups}
    {activation}
    : {image}, {tensor(filters.shape, dynamic=False)} -> {result}"""
    inputs = {"x": np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if channels_last else x}
    if epilogue:
        inputs["r"] = random(BATCH, outputs, height, width)

    def expected(arrays: Arrays) -> np.ndarray:
        source = arrays["x"].transpose(0, 3, 1, 2) if channels_last else arrays["x"]
        result = convolve(source, filters, stride, pad, dilation, groups) + bias[:, None, None]
        return np.maximum(result, 0) + arrays["r"] if epilogue else result

    return Case(text, inputs, expected)


CONVOLUTIONS = {
    "plain": convolution(8, 24, 3, pad=1),
    "channels_last": convolution(8, 24, 3, pad=1, channels_last=True),
    "stem": convolution(3, 24, 7, stride=2, pad=3),
    "pointwise": convolution(8, 24, 1),
    "pointwise_channels_last": convolution(8, 24, 1, stride=2, channels_last=True),
    "dilated": convolution(4, 5, 3, stride=2, pad=2, dilation=2),
    "one_channel": convolution(1, 1, 3, pad=1),
    "depthwise": convolution(16, 16, 3, pad=1, groups=16),
    "epilogue": convolution(8, 24, 3, pad=1, channels_last=True, epilogue=True),
    "depthwise_epilogue": convolution(16, 16, 3, pad=1, groups=16, epilogue=True),
    "depthwise_stride_2_dilated": convolution(16, 16, 3, stride=2, pad=3, dilation=2, groups=16, channels_last=True),
    "two_outputs_a_channel": convolution(12, 24, 5, pad=2, groups=12, channels_last=True, epilogue=True),
    "grouped_channels_last": convolution(16, 24, 3, stride=2, pad=1, groups=4, channels_last=True),
}

# --- Attention and norms ------------------------------------------------------

QKV = {"q": random(8, 3, 49, 20), "k": random(9, 3, 49, 20)[1:], "v": random(10, 3, 49, 20)[2:]}
HEAD_TYPE = "tensor<?x3x49x20xf32>"
MASK = np.where(random(4, 1, 49, 49) < -0.5, -100, 0).astype(np.float32)
BLOCKS = {
    # Item b of 8 reads item b mod 4 of the mask.
    "bias_and_mask": Case(
        f"""  %bias = {dense(random(1, 3, 49, 49))}
  %mask = {dense(MASK)}
  %result = vit.attention %q, %k, %v bias(%bias : tensor<1x3x49x49xf32>) mask(%mask : tensor<4x1x49x49xf32>)
    scale 0.25 : {HEAD_TYPE}, {HEAD_TYPE}, {HEAD_TYPE} -> {HEAD_TYPE}""",
        QKV,
        lambda x: attention(x, [random(1, 3, 49, 49), MASK]),
    ),
    "computed_mask": Case(
        f"""  %result = vit.attention %q, %k, %v mask(%m : tensor<?x1x49x49xf32>) scale 0.25
    : {HEAD_TYPE}, {HEAD_TYPE}, {HEAD_TYPE} -> {HEAD_TYPE}""",
        {**QKV, "m": random(8, 1, 49, 49)},
        lambda x: attention(x, [x["m"]]),
    ),
    "windows_of_attention": Case(
        f"""{DIM}{MAP}
  %w = vit.window_partition %x window [4, 4] : {MAP} -> tensor<?x16x32xf32>
  %h = vit.split_heads %w heads 2 : tensor<?x16x32xf32> -> tensor<?x2x16x16xf32>
  %a = vit.attention %h, %h, %h scale 0.25
    : tensor<?x2x16x16xf32>, tensor<?x2x16x16xf32>, tensor<?x2x16x16xf32> -> tensor<?x2x16x16xf32>
  %m = vit.merge_heads %a : tensor<?x2x16x16xf32> -> tensor<?x16x32xf32>
  %n = vit.layer_norm %m epsilon 1.0e-05 : tensor<?x16x32xf32>
  %r = vit.window_reverse %n window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> {MAP}
  %result = arith.addf %x, %r : {MAP}""",
        {"x": random(BATCH, 8, 8, 32)},
        lambda x: windowed_block(x["x"]),
    ),
    "rms_norm": Case(
        f"""  %g = {dense(random(33))}
  %result = vit.rms_norm %x scale(%g : tensor<33xf32>) epsilon 1.0e-05 : tensor<?x5x33xf32>""",
        {"x": random(BATCH, 5, 33)},
        lambda x: x["x"] / np.sqrt((x["x"] ** 2).mean(-1, keepdims=True) + 1e-5) * random(33),
    ),
}


def windowed_block(x: np.ndarray) -> np.ndarray:
    heads = partition(x, 4).reshape(-1, 16, 2, 16).transpose(0, 2, 1, 3)
    merged = attention({"q": heads, "k": heads, "v": heads}, []).transpose(0, 2, 1, 3).reshape(-1, 16, 32)
    tiles = layer_norm(merged).reshape(-1, 2, 2, 4, 4, 32).transpose(0, 1, 3, 2, 4, 5)
    return x + tiles.reshape(x.shape)


TOKENS = "tensor<?x30x128xf32>"
PROJECTED = "tensor<?x9x128xf32>"
PROJECTION = """indexing_maps = [affine_map<(b, n, e, k) -> (b, n, e)>, affine_map<(b, n, e, k) -> (k, n)>,
    affine_map<(b, n, e, k) -> (b, k, e)>]"""
LAYERS = dict(zip(("wq", "wk", "wv"), random(3, 128, 128) / 11, strict=True))
PROJECTIONS = dict(zip(("ek", "ev"), random(2, 9, 30), strict=True))


def project_tokens(x: np.ndarray) -> np.ndarray:
    query, key, value = (layer_norm(x) @ layer.T for layer in LAYERS.values())
    return np.concatenate([query, PROJECTIONS["ek"] @ (key + random(128)), PROJECTIONS["ev"] @ value], axis=1)


# Linformer: keys and values are projected along the sequence, the keys' layer has a bias.
BLOCKS["projected_norm"] = Case(
    "".join(f"  %{name} = {dense(weight)}\n" for name, weight in {**LAYERS, **PROJECTIONS}.items())
    + f"""  %bias = {dense(random(128))}
{DIM}{TOKENS}
  %s = arith.constant 0.0 : f32
  %e = tensor.empty(%b) : {PROJECTED}
  %f = linalg.fill ins(%s : f32) outs(%e : {PROJECTED}) -> {PROJECTED}
  %n = vit.layer_norm %x epsilon 1.0e-05 : {TOKENS}
  %query = vit.linear %n, %wq : {TOKENS}, tensor<128x128xf32> -> {TOKENS}
  %key = vit.linear %n, %wk bias(%bias : tensor<128xf32>) : {TOKENS}, tensor<128x128xf32> -> {TOKENS}
  %value = vit.linear %n, %wv : {TOKENS}, tensor<128x128xf32> -> {TOKENS}
  %pk = linalg.contract {PROJECTION} ins(%key, %ek : {TOKENS}, tensor<9x30xf32>) outs(%f : {PROJECTED}) -> {PROJECTED}
  %pv = linalg.contract {PROJECTION} ins(%value, %ev : {TOKENS}, tensor<9x30xf32>) outs(%f : {PROJECTED}) -> {PROJECTED}
  %result = tensor.concat dim(1) %query, %pk, %pv
    : ({TOKENS}, {PROJECTED}, {PROJECTED}) -> tensor<?x48x128xf32>""",
    {"x": random(BATCH, 30, 128)},
    lambda x: project_tokens(x["x"]),
)

GROUPED_FILTERS = random(32, 4, 3, 3) / 6
BORDER_FILTERS = random(8, 32, 3, 3) / 17


def group_norm(x: np.ndarray, groups: int) -> np.ndarray:
    return layer_norm(x.reshape(BATCH, groups, -1)).reshape(x.shape)


def border_block(x: np.ndarray) -> np.ndarray:
    y = convolve(x, GROUPED_FILTERS, 1, 0, 1, 1) + (random(32) + 9)[:, None, None]
    inside = np.pad(np.abs(group_norm(y, 8)), ((0, 0), (0, 0), (2, 0), (1, 3)))
    return convolve(inside, BORDER_FILTERS, 1, 0, 1, 1)


# A group norm of a convolution's result, with a mean far from 0, written inside the border of the next convolution.
BLOCKS["group_norm_padded"] = Case(
    f"""  %f = {dense(GROUPED_FILTERS)}
  %g = {dense(BORDER_FILTERS)}
  %o = {dense(random(32) + 9)}
  %y = vit.conv2d %x, %f bias(%o : tensor<32xf32>) : tensor<?x4x9x7xf32>, tensor<32x4x3x3xf32> -> tensor<?x32x7x5xf32>
  %c = tensor.collapse_shape %y [[0], [1, 2, 3]] : tensor<?x32x7x5xf32> into tensor<?x1120xf32>
{DIM}tensor<?x4x9x7xf32>
  %r = tensor.expand_shape %c [[0], [1, 2]] output_shape [%b, 8, 140] : tensor<?x1120xf32> into tensor<?x8x140xf32>
  %n = vit.layer_norm %r epsilon 1.0e-05 : tensor<?x8x140xf32>
  %d = tensor.collapse_shape %n [[0], [1, 2]] : tensor<?x8x140xf32> into tensor<?x1120xf32>
  %m = tensor.expand_shape %d [[0], [1, 2, 3]] output_shape [%b, 32, 7, 5]
      : tensor<?x1120xf32> into tensor<?x32x7x5xf32>
  %t = math.absf %m : tensor<?x32x7x5xf32>
  %result = vit.conv2d %t, %g pad [2, 1, 0, 3] : tensor<?x32x7x5xf32>, tensor<8x32x3x3xf32> -> tensor<?x8x7x7xf32>""",
    {"x": random(BATCH, 4, 9, 7)},
    lambda x: border_block(x["x"]),
)

CASES = {**MOVEMENT, **PRODUCTS, **{f"conv_{name}": case for name, case in CONVOLUTIONS.items()}, **BLOCKS}


def assert_computes(case: Case, result: np.ndarray, expected: np.ndarray) -> None:
    assert result.shape == expected.shape
    error = np.abs(result - expected).max() / np.abs(expected).max()
    assert error <= (0 if case.exact else TOLERANCE)


@pytest.mark.parametrize("name", CASES)
def test_program_computes(name: str, tmp_path: Path) -> None:
    assert_computes(CASES[name], *evaluate(CASES[name], tmp_path))
