# ===- test_reference_lowering.py - convert-vit-to-linalg computes --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every vit op by the reference lowering, against numpy in float64 written from the ops' definitions.

Operands are first rounded to the element type, so that what is compared is the arithmetic alone. Tolerances:
f64 1e-12 and f32 1e-5, relative and absolute; f16 and bf16 two units in the last place, and 1e-5 absolute for what
f32 leaves where a sum cancels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from definitions import (
    Operands,
    attention,
    conv2d,
    gelu,
    gelu_quick,
    gelu_tanh,
    layer_norm,
    linear,
    patch_embed,
    patch_merging,
    relative_position_bias,
    rms_norm,
    shift_mask,
    softmax_of_scores,
    window_partition,
    window_reverse,
)
from reference import ReferenceLibrary

# Relative and absolute tolerance.
TOLERANCES = {"f64": (1e-12, 1e-12), "f32": (1e-5, 1e-5), "f16": (2**-10, 1e-5), "bf16": (2**-7, 1e-5)}


@dataclass
class Case:
    """One op: `op` is its text with the operands as %name and types as {name} and {result}."""

    op: str
    operands: Operands
    expected: Callable[[Operands], np.ndarray]
    # The names whose dim 0 the compiler does not know.
    dynamic: tuple[str, ...] = field(default=())
    # An op of its own before it.
    before: str = ""
    # How many elements of the result are specified, None: all.
    compared: int | None = None


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


# --- The cases ----------------------------------------------------------------


def attention_case(
    batch: int,
    heads: int,
    key_heads: int,
    queries: int,
    keys: int,
    dim: int,
    value_dim: int,
    bias: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    dynamic: tuple[str, ...] = (),
    scale: float = 0.3,
) -> Case:
    operands = {
        "query": random(batch, heads, queries, dim, seed=1),
        "key": random(batch, key_heads, keys, dim, seed=2),
        "value": random(batch, key_heads, keys, value_dim, seed=3),
    }
    text = ""
    if bias is not None:
        operands["bias"] = bias
        text = "bias(%bias : {bias}) "
    if mask is not None:
        operands["mask"] = mask
        text += "mask(%mask : {mask}) "
    op = f"vit.attention %query, %key, %value {text}scale {scale} : {{query}}, {{key}}, {{value}} -> {{result}}"
    return Case(op, operands, lambda x: attention(x, scale), dynamic)


def attention_map_case(
    queries: tuple[int, int] | None, bias: np.ndarray | None = None, mask: np.ndarray | None = None, key_heads: int = 5
) -> Case:
    operands = {"query": random(3, 5, 7, 24, seed=1), "key": random(3, key_heads, 6, 24, seed=2)}
    text = ""
    if bias is not None:
        operands["bias"] = bias
        text = "bias(%bias : {bias}) "
    if mask is not None:
        operands["mask"] = mask
        text += "mask(%mask : {mask}) "
    first, count = (-1, 1) if queries is None else queries
    op = (
        f"vit.attention_map %query, %key {text}scale 0.25 selection(%s[1] : tensor<2x2xi64>) windows 3"
        " : {query}, {key} -> {result}"
    )

    def expected(x: Operands) -> np.ndarray:
        weights = softmax_of_scores(x, 0.25)
        rows = weights.mean(2, keepdims=True) if queries is None else weights[:, :, first : first + count]
        # What follows the rows is not specified.
        return np.resize(rows, (1, 3, *weights.shape[1:]))

    before = f"%s = arith.constant dense<[[0, 0], [{first}, {count}]]> : tensor<2x2xi64>"
    return Case(op, operands, expected, before=before, compared=3 * 5 * count * 6)


def masked(bias: np.ndarray, *rows: tuple[int, ...]) -> np.ndarray:
    """`bias` with every key of `rows` masked, and one key in three of all other rows."""
    bias = bias.copy()
    bias[..., ::3] = -np.inf
    for row in rows:
        bias[row] = -np.inf
    return bias


ACTIVATIONS = {
    "": lambda x: x,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "gelu_quick": gelu_quick,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}

# Of the rows that a product reads.
NORM_TEXTS = {"": "", "layer": "norm <epsilon = 1.0e-05 : f64> ", "rms": "norm <epsilon = 0.5 : f64, rms = true> "}
NORMS = {
    "": lambda rows: rows,
    "layer": lambda rows: layer_norm({"input": rows}, 1e-5),
    "rms": lambda rows: rms_norm({"input": rows}, 0.5),
}


def linear_case(
    shape: tuple[int, ...],
    outputs: int,
    parts: str,
    activation: str = "",
    dynamic: tuple[str, ...] = (),
    norm: str = "",
) -> Case:
    operands = {"input": random(*shape, seed=1), "weight": random(outputs, shape[-1], seed=2) / math.sqrt(shape[-1])}
    text = ""
    if "bias" in parts:
        operands["bias"] = random(outputs, seed=3)
        text += "bias(%bias : {bias}) "
    if "residual" in parts:
        operands["residual"] = random(*shape[:-1], outputs, seed=4)
        text += "residual(%residual : {residual}) "
    if activation:
        text += f"activation {activation} "
    text += NORM_TEXTS[norm]
    return Case(
        f"vit.linear %input, %weight {text}: {{input}}, {{weight}} -> {{result}}",
        operands,
        lambda x: linear({**x, "input": NORMS[norm](x["input"])}, ACTIVATIONS[activation]),
        dynamic,
    )


def layer_norm_case(parts: str, *shape: int, dynamic: tuple[str, ...] = ()) -> Case:
    operands = {"input": random(*shape)}
    text = ""
    for part in parts.split():
        operands[part] = random(shape[-1], seed=len(part))
        text += f"{part}(%{part} : {{{part}}}) "
    return Case(
        f"vit.layer_norm %input {text}epsilon 1.0e-05 : {{result}}", operands, lambda x: layer_norm(x, 1e-5), dynamic
    )


def patch_embed_case(batch: int, parts: str, dynamic: tuple[str, ...] = (), norm: str = "") -> Case:
    """12 x 10 pixels in 2 x 2 patches of 6 x 5: height and width differ everywhere."""
    operands = {"image": random(batch, 3, 12, 10, seed=1), "filter": random(24, 3, 6, 5, seed=2) / 9}
    extra = {"bias": (24,), "tokens": (2, 24), "position": (6 if "tokens" in parts else 4, 24)}
    text = ""
    for seed, part in enumerate(parts.split(), 3):
        operands[part] = random(*extra[part], seed=seed)
        text += f"{part}(%{part} : {{{part}}}) "
    return Case(
        f"vit.patch_embed %image, %filter {text}{NORM_TEXTS[norm]}: {{image}}, {{filter}} -> {{result}}",
        operands,
        lambda x: patch_embed(x, NORMS[norm]),
        dynamic,
    )


def conv2d_case(
    shape: tuple[int, ...],
    filters: tuple[int, ...],
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    bias: bool = False,
    dynamic: tuple[str, ...] = (),
    activation: str = "",
    residual: tuple[int, ...] = (),
) -> Case:
    operands = {"input": random(*shape, seed=1), "filter": random(*filters, seed=2) / math.sqrt(np.prod(filters[1:]))}
    text = ""
    if bias:
        operands["bias"] = random(filters[0], seed=3)
        text = "bias(%bias : {bias}) "
    if residual:
        operands["residual"] = random(*residual, seed=4)
        text += "residual(%residual : {residual}) "
    text += f"stride {list(stride)} pad {list(pad)} dilation {list(dilation)} groups {groups} "
    if activation:
        text += f"activation {activation} "
    return Case(
        f"vit.conv2d %input, %filter {text}: {{input}}, {{filter}} -> {{result}}",
        operands,
        lambda x: ACTIVATIONS[activation](conv2d(x, stride, pad, dilation, groups)) + x.get("residual", 0),
        dynamic,
    )


def window_case(op: str, operand: np.ndarray, expected: Callable[[np.ndarray], np.ndarray]) -> Case:
    return Case(
        f"vit.{op} : {{input}} -> {{result}}", {"input": operand}, lambda x: expected(x["input"]), ("input", "result")
    )


def shift_mask_case(size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Case:
    # A function has an operand here, which tells the element type.
    return Case(
        f"vit.shift_mask size {list(size)} window {list(window)} shift {list(shift)} value -100.0 : {{result}}",
        {"unused": np.zeros(1)},
        lambda _: shift_mask(size, window, shift, -100.0),
    )


QKV = ("query", "key", "value", "result")
CASES = {
    "attention": attention_case(1, 5, 5, 7, 7, 24, 24),
    "attention_batch": attention_case(3, 5, 5, 7, 9, 24, 11),
    "attention_dynamic": attention_case(3, 5, 5, 7, 9, 24, 24, dynamic=QKV),
    "attention_grouped": attention_case(3, 6, 2, 7, 9, 24, 11, dynamic=QKV),
    "attention_one_key_head": attention_case(1, 5, 1, 7, 1, 24, 24),
    "attention_bias": attention_case(3, 5, 5, 7, 9, 24, 24, bias=random(3, 5, 7, 9)),
    "attention_bias_shared": attention_case(3, 5, 5, 7, 9, 24, 24, bias=random(1, 1, 7, 9), dynamic=QKV),
    "attention_bias_heads": attention_case(3, 5, 5, 7, 9, 24, 24, bias=random(1, 5, 7, 9)),
    "attention_bias_batch": attention_case(3, 6, 3, 7, 9, 24, 24, bias=random(3, 1, 7, 9), dynamic=(*QKV, "bias")),
    "attention_masked": attention_case(3, 5, 5, 7, 9, 24, 24, bias=masked(random(3, 5, 7, 9), (0, 0, 0), (2, 4, 6))),
    "attention_masked_all": attention_case(1, 2, 1, 3, 5, 8, 8, bias=np.full((1, 1, 3, 5), -np.inf)),
    "attention_mask": attention_case(6, 5, 5, 7, 9, 24, 24, mask=masked(random(2, 1, 7, 9), (1, 0, 3)), dynamic=QKV),
    "attention_bias_and_mask": attention_case(
        6, 5, 5, 7, 9, 24, 24, bias=random(1, 5, 7, 9), mask=masked(random(3, 1, 7, 9), (1, 0, 3))
    ),
    "attention_mask_dynamic": attention_case(
        6, 5, 5, 7, 9, 24, 24, mask=random(2, 5, 7, 9, seed=5), dynamic=(*QKV, "mask")
    ),
    "attention_large_scores": attention_case(1, 2, 2, 7, 7, 24, 24, scale=300.0),
    "attention_map_one": attention_map_case((0, 1)),
    "attention_map_all": attention_map_case((0, 7)),
    "attention_map_mean": attention_map_case(None),
    "attention_map_mean_masked": attention_map_case(None, masked(random(1, 5, 7, 6), (0, 1, 2)), key_heads=1),
    "attention_map_some_masked": attention_map_case((4, 3), masked(random(3, 1, 7, 6), (1, 0, 4))),
    "attention_map_mask": attention_map_case(None, random(1, 5, 7, 6), masked(random(3, 1, 7, 6), (1, 0, 0))),
    "split_heads": Case(
        "vit.split_heads %input heads 5 : {input} -> {result}",
        {"input": random(3, 7, 120)},
        lambda x: x["input"].reshape(3, 7, 5, 24).transpose(0, 2, 1, 3),
        ("input", "result"),
    ),
    "merge_heads": Case(
        "vit.merge_heads %input : {input} -> {result}",
        {"input": random(3, 5, 7, 24)},
        lambda x: x["input"].transpose(0, 2, 1, 3).reshape(3, 7, 120),
        ("input", "result"),
    ),
    "linear": linear_case((3, 7, 24), 13, ""),
    "linear_vector": linear_case((24,), 13, "bias"),
    "linear_rank_4": linear_case((1, 2, 3, 24), 5, "bias"),
    "linear_bias_gelu": linear_case((3, 7, 24), 13, "bias", "gelu"),
    "linear_gelu_tanh": linear_case((1, 7, 24), 13, "", "gelu_tanh"),
    "linear_gelu_residual": linear_case((3, 7, 24), 13, "bias residual", "gelu", ("input", "residual", "result")),
    "linear_relu": linear_case((1, 7, 24), 13, "bias", "relu"),
    "linear_silu": linear_case((1, 7, 24), 13, "bias residual", "silu"),
    "linear_sigmoid": linear_case((1, 7, 24), 13, "", "sigmoid"),
    "linear_gelu_quick": linear_case((1, 7, 24), 13, "bias", "gelu_quick"),
    "linear_norm": linear_case((3, 7, 24), 13, "", norm="layer"),
    "linear_norm_bias_gelu_residual": linear_case(
        (3, 7, 24), 13, "bias residual", "gelu", ("input", "residual", "result"), "layer"
    ),
    "linear_rms_norm": linear_case((1, 2, 3, 24), 5, "bias", norm="rms"),
    "gelu_quick": Case(
        "vit.gelu %input quick : {result}", {"input": 3 * random(3, 7, 24)}, lambda x: gelu_quick(x["input"])
    ),
    "gelu": Case("vit.gelu %input : {result}", {"input": 3 * random(3, 7, 24)}, lambda x: gelu(x["input"])),
    "gelu_tanh": Case(
        "vit.gelu %input tanh : {result}",
        {"input": 3 * random(3, 7, 24)},
        lambda x: gelu_tanh(x["input"]),
        ("input", "result"),
    ),
    "layer_norm": layer_norm_case("", 3, 7, 24, dynamic=("input", "result")),
    "layer_norm_scale_shift": layer_norm_case("scale shift", 1, 7, 24),
    "layer_norm_scale": layer_norm_case("scale", 7, 5),
    "layer_norm_vector": layer_norm_case("shift", 25),
    # The mean is exact, and mean(x^2) - mean^2 would have no correct digit in f32.
    "layer_norm_far_from_zero": Case(
        "vit.layer_norm %input epsilon 1.0e-05 : {result}",
        {"input": np.tile([1.0, -1.0, 3.0, -3.0], (2, 16)) - 4096},
        lambda x: layer_norm(x, 1e-5),
    ),
    "rms_norm": Case(
        "vit.rms_norm %input epsilon 1.0e-05 : {result}",
        {"input": random(3, 7, 24)},
        lambda x: rms_norm(x, 1e-5),
        ("input", "result"),
    ),
    "rms_norm_scale": Case(
        "vit.rms_norm %input scale(%scale : {scale}) epsilon 0.5 : {result}",
        {"input": random(2, 25), "scale": random(25, seed=1)},
        lambda x: rms_norm(x, 0.5),
    ),
    "conv2d": conv2d_case((3, 4, 7, 9), (6, 4, 3, 2), bias=True, dynamic=("input", "result")),
    "conv2d_strided": conv2d_case((1, 4, 9, 8), (6, 4, 3, 3), stride=(2, 3), pad=(1, 2, 0, 1)),
    "conv2d_dilated": conv2d_case((2, 3, 9, 10), (5, 3, 2, 3), dilation=(3, 2), pad=(0, 1, 1, 0), bias=True),
    "conv2d_grouped": conv2d_case(
        (3, 6, 7, 8), (9, 2, 3, 3), groups=3, stride=(2, 1), pad=(1, 1, 1, 1), bias=True, dynamic=("input", "result")
    ),
    "conv2d_epilogue": conv2d_case(
        (2, 3, 7, 8), (4, 3, 3, 3), pad=(1, 1, 1, 1), bias=True, activation="relu", residual=(2, 4, 7, 8)
    ),
    "conv2d_depthwise": conv2d_case((1, 5, 6, 6), (5, 1, 3, 3), groups=5, pad=(1, 1, 1, 1)),
    "window_partition": window_case(
        "window_partition %input window [2, 5]", random(3, 6, 10, 7), lambda x: window_partition(x, 2, 5)
    ),
    "window_reverse": window_case(
        "window_reverse %input window [2, 5] size [6, 10]",
        random(18, 10, 7),
        lambda x: window_reverse(x, (2, 5), (6, 10)),
    ),
    "patch_merging": window_case("patch_merging %input", random(3, 6, 10, 7), patch_merging),
    "cyclic_shift": Case(
        "vit.cyclic_shift %input shift [2, 3] : {result}",
        {"input": random(3, 6, 10, 7)},
        lambda x: np.roll(x["input"], (-2, -3), (1, 2)),
        ("input", "result"),
    ),
    "cyclic_shift_back": Case(
        "vit.cyclic_shift %input shift [-2, -3] : {result}",
        {"input": random(1, 6, 10, 7)},
        lambda x: np.roll(x["input"], (2, 3), (1, 2)),
    ),
    "shift_mask": shift_mask_case((8, 8), (4, 4), (2, 2)),
    "shift_mask_oblong": shift_mask_case((6, 10), (3, 5), (1, 2)),
    "shift_mask_columns": shift_mask_case((4, 9), (4, 3), (0, 1)),
    "relative_position_bias": Case(
        "vit.relative_position_bias %table window [4, 4] : {table} -> {result}",
        {"table": random(49, 3)},
        lambda x: relative_position_bias(x["table"], 4, 4),
    ),
    "relative_position_bias_oblong": Case(
        "vit.relative_position_bias %table window [2, 5] : {table} -> {result}",
        {"table": random(27, 4)},
        lambda x: relative_position_bias(x["table"], 2, 5),
    ),
    "relative_position_bias_class_token": Case(
        "vit.relative_position_bias %table window [3, 2] class_token : {table} -> {result}",
        {"table": random(18, 4)},
        lambda x: relative_position_bias(x["table"], 3, 2, class_token=True),
    ),
    "patch_embed": patch_embed_case(3, ""),
    "patch_embed_bias": patch_embed_case(1, "bias"),
    "patch_embed_position": patch_embed_case(3, "bias position", ("image", "result")),
    "patch_embed_tokens": patch_embed_case(3, "tokens", ("image", "result")),
    "patch_embed_all": patch_embed_case(3, "bias tokens position"),
    "patch_embed_norm": patch_embed_case(1, "", norm="layer"),
    "patch_embed_norm_all": patch_embed_case(3, "bias tokens position", ("image", "result"), "layer"),
    "patch_embed_rms_norm": patch_embed_case(2, "bias", norm="rms"),
    "mean_tokens": Case(
        "vit.mean_tokens %input : {input} -> {result}", {"input": random(3, 7, 24)}, lambda x: x["input"].mean(1)
    ),
    "mean_tokens_skip": Case(
        "vit.mean_tokens %input skip 2 : {input} -> {result}",
        {"input": random(3, 7, 24)},
        lambda x: x["input"][:, 2:].mean(1),
        ("input", "result"),
    ),
}


# --- Element types ------------------------------------------------------------


def to_bits(array: np.ndarray, element: str) -> np.ndarray:
    """float64 rounded to `element`; bf16, which numpy lacks, as uint16."""
    if element != "bf16":
        return array.astype({"f64": np.float64, "f32": np.float32, "f16": np.float16}[element])
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bits(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint16:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


def tensor_type(shape: tuple[int, ...], element: str, dynamic: bool) -> str:
    sizes = ["?" if dynamic and dim == 0 else str(size) for dim, size in enumerate(shape)]
    return f"tensor<{'x'.join(sizes)}x{element}>"


def function_text(name: str, element: str) -> str:
    case = CASES[name]
    shapes = {operand: value.shape for operand, value in case.operands.items()}
    shapes["result"] = case.expected(case.operands).shape
    types = {key: tensor_type(shape, element, key in case.dynamic) for key, shape in shapes.items()}
    arguments = ", ".join(f"%{operand}: {types[operand]}" for operand in case.operands)
    return (
        f"func.func @{name}({arguments}) -> {types['result']} {{\n"
        f"  {case.before}\n  %result = {case.op.format_map(types)}\n"
        f"  return %result : {types['result']}\n}}\n"
    )


@pytest.fixture(scope="module", params=TOLERANCES)
def element(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def library(element: str, tmp_path_factory: pytest.TempPathFactory) -> ReferenceLibrary:
    module = "\n".join(function_text(name, element) for name in CASES)
    return ReferenceLibrary(module, tmp_path_factory.mktemp(f"reference-{element}"))


@pytest.mark.parametrize("name", CASES)
def test_op_equals_numpy(name: str, element: str, library: ReferenceLibrary) -> None:
    case = CASES[name]
    bits = {operand: to_bits(value, element) for operand, value in case.operands.items()}
    expected = case.expected({operand: from_bits(value) for operand, value in bits.items()})
    result = from_bits(library.call(name, *bits.values(), rank=expected.ndim))
    assert result.shape == expected.shape
    rtol, atol = TOLERANCES[element]
    result, expected = (array.reshape(-1)[: case.compared] for array in (result, expected))
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=atol)


def test_fully_masked_row_is_exactly_zero(library: ReferenceLibrary, element: str) -> None:
    case = CASES["attention_masked_all"]
    bits = [to_bits(value, element) for value in case.operands.values()]
    assert not library.call("attention_masked_all", *bits, rank=4).any()


def test_nan_reaches_its_row_alone(library: ReferenceLibrary, element: str) -> None:
    operands = {operand: value.copy() for operand, value in CASES["attention"].operands.items()}
    operands["query"][0, 2, 3, 5] = np.nan
    bits = [to_bits(value, element) for value in operands.values()]
    result = np.isnan(from_bits(library.call("attention", *bits, rank=4)))
    expected = np.zeros_like(result)
    expected[0, 2, 3] = True
    np.testing.assert_array_equal(result, expected)


# The Swin paper's case, an 8 x 8 map in windows of 4 x 4, shifted by 2 (figure 4). For each of the four windows, the
# rows of its mask for the tokens of its left upper, right upper, left lower and right lower quarter; # is masked.
PAPER_MASK = [
    ("................", "................", "................", "................"),
    ("..##..##..##..##", "##..##..##..##..", "..##..##..##..##", "##..##..##..##.."),
    ("........########", "........########", "########........", "########........"),
    ("..##..##########", "##..##..########", "########..##..##", "##########..##.."),
]

# Its relative position index, for query tokens down and key tokens to the right.
PAPER_INDEX = """
24 23 22 21 17 16 15 14 10  9  8  7  3  2  1  0
25 24 23 22 18 17 16 15 11 10  9  8  4  3  2  1
26 25 24 23 19 18 17 16 12 11 10  9  5  4  3  2
27 26 25 24 20 19 18 17 13 12 11 10  6  5  4  3
31 30 29 28 24 23 22 21 17 16 15 14 10  9  8  7
32 31 30 29 25 24 23 22 18 17 16 15 11 10  9  8
33 32 31 30 26 25 24 23 19 18 17 16 12 11 10  9
34 33 32 31 27 26 25 24 20 19 18 17 13 12 11 10
38 37 36 35 31 30 29 28 24 23 22 21 17 16 15 14
39 38 37 36 32 31 30 29 25 24 23 22 18 17 16 15
40 39 38 37 33 32 31 30 26 25 24 23 19 18 17 16
41 40 39 38 34 33 32 31 27 26 25 24 20 19 18 17
45 44 43 42 38 37 36 35 31 30 29 28 24 23 22 21
46 45 44 43 39 38 37 36 32 31 30 29 25 24 23 22
47 46 45 44 40 39 38 37 33 32 31 30 26 25 24 23
48 47 46 45 41 40 39 38 34 33 32 31 27 26 25 24
"""


def test_shift_mask_of_the_paper(library: ReferenceLibrary, element: str) -> None:
    mask = from_bits(library.call("shift_mask", to_bits(np.zeros(1), element), rank=4))
    for window, (first, second, third, fourth) in zip(mask[:, 0], PAPER_MASK, strict=True):
        # Two tokens of the left and two of the right in each of the four rows of the window.
        halves = [first, first, second, second, first, first, second, second]
        halves += [third, third, fourth, fourth, third, third, fourth, fourth]
        for row, text in zip(window, halves, strict=True):
            np.testing.assert_array_equal(row, [-100.0 if mark == "#" else 0.0 for mark in text])


def test_relative_position_index_of_the_paper(library: ReferenceLibrary, element: str) -> None:
    rows = np.repeat(np.arange(49.0)[:, None], 3, axis=1)
    bias = from_bits(library.call("relative_position_bias", to_bits(rows, element), rank=4))
    index = np.array(PAPER_INDEX.split(), dtype=float).reshape(16, 16)
    np.testing.assert_array_equal(bias, np.broadcast_to(index, (1, 3, 16, 16)))
