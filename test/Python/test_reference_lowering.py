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
from reference import ReferenceLibrary

# Relative and absolute tolerance.
TOLERANCES = {"f64": (1e-12, 1e-12), "f32": (1e-5, 1e-5), "f16": (2**-10, 1e-5), "bf16": (2**-7, 1e-5)}

Operands = dict[str, np.ndarray]


@dataclass
class Case:
    """One op: `op` is its text with the operands as %name and types as {name} and {result}."""

    op: str
    operands: Operands
    expected: Callable[[Operands], np.ndarray]
    # The names whose dim 0 the compiler does not know.
    dynamic: tuple[str, ...] = field(default=())


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


# --- The definitions, in numpy ------------------------------------------------


def softmax_of_scores(x: Operands, scale: float) -> np.ndarray:
    """The probabilities [B, H, Nq, Nk]; a fully masked row is zeros."""
    groups = x["query"].shape[1] // x["key"].shape[1]
    key = np.repeat(x["key"], groups, axis=1)
    scores = scale * np.einsum("bhid,bhjd->bhij", x["query"], key)
    if "bias" in x:
        scores = scores + x["bias"]
    weights = np.zeros_like(scores)
    for index in np.ndindex(scores.shape[:3]):
        row = scores[index]
        if np.isneginf(row).all():
            continue
        weights[index] = np.exp(row - row.max())
        weights[index] /= weights[index].sum()
    return weights


def attention(x: Operands, scale: float) -> np.ndarray:
    groups = x["query"].shape[1] // x["key"].shape[1]
    return softmax_of_scores(x, scale) @ np.repeat(x["value"], groups, axis=1)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def linear(x: Operands, activation: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> np.ndarray:
    return activation(x["input"] @ x["weight"].T + x.get("bias", 0)) + x.get("residual", 0)


def layer_norm(x: Operands, epsilon: float) -> np.ndarray:
    mean = x["input"].mean(-1, keepdims=True)
    variance = x["input"].var(-1, keepdims=True)
    return (x["input"] - mean) / np.sqrt(variance + epsilon) * x.get("scale", 1) + x.get("shift", 0)


def patch_embed(x: Operands) -> np.ndarray:
    image, filters = x["image"], x["filter"]
    embed_dim, _, height, width = filters.shape
    rows = []
    for top in range(0, image.shape[2], height):
        for left in range(0, image.shape[3], width):
            patch = image[:, :, top : top + height, left : left + width].reshape(len(image), -1)
            rows.append(patch @ filters.reshape(embed_dim, -1).T + x.get("bias", 0))
    tokens = x.get("tokens", np.zeros((0, embed_dim)))
    tokens = np.broadcast_to(tokens, (len(image), *tokens.shape))
    return np.concatenate([tokens, np.stack(rows, 1)], axis=1) + x.get("position", 0)


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
    op = f"vit.attention %query, %key, %value {text}scale {scale} : {{query}}, {{key}}, {{value}} -> {{result}}"
    return Case(op, operands, lambda x: attention(x, scale), dynamic)


def attention_map_case(queries: str, bias: np.ndarray | None = None, key_heads: int = 5) -> Case:
    operands = {"query": random(3, 5, 7, 24, seed=1), "key": random(3, key_heads, 6, 24, seed=2)}
    text = ""
    if bias is not None:
        operands["bias"] = bias
        text = "bias(%bias : {bias}) "
    op = f"vit.attention_map %query, %key {text}scale 0.25 queries {queries} : {{query}}, {{key}} -> {{result}}"

    def expected(x: Operands) -> np.ndarray:
        weights = softmax_of_scores(x, 0.25)
        return weights[:, :, 0] if queries == "first" else weights.mean(2)

    return Case(op, operands, expected)


def masked(bias: np.ndarray, *rows: tuple[int, ...]) -> np.ndarray:
    """`bias` with every key of `rows` masked, and one key in three of all other rows."""
    bias = bias.copy()
    bias[..., ::3] = -np.inf
    for row in rows:
        bias[row] = -np.inf
    return bias


def linear_case(
    shape: tuple[int, ...], outputs: int, parts: str, activation: str = "", dynamic: tuple[str, ...] = ()
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
    function = {"": lambda x: x, "gelu": gelu, "gelu_tanh": gelu_tanh}[activation]
    return Case(
        f"vit.linear %input, %weight {text}: {{input}}, {{weight}} -> {{result}}",
        operands,
        lambda x: linear(x, function),
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


def patch_embed_case(batch: int, parts: str, dynamic: tuple[str, ...] = ()) -> Case:
    """12 x 10 pixels in 2 x 2 patches of 6 x 5: height and width differ everywhere."""
    operands = {"image": random(batch, 3, 12, 10, seed=1), "filter": random(24, 3, 6, 5, seed=2) / 9}
    extra = {"bias": (24,), "tokens": (2, 24), "position": (6 if "tokens" in parts else 4, 24)}
    text = ""
    for seed, part in enumerate(parts.split(), 3):
        operands[part] = random(*extra[part], seed=seed)
        text += f"{part}(%{part} : {{{part}}}) "
    return Case(
        f"vit.patch_embed %image, %filter {text}: {{image}}, {{filter}} -> {{result}}", operands, patch_embed, dynamic
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
    "attention_large_scores": attention_case(1, 2, 2, 7, 7, 24, 24, scale=300.0),
    "attention_map_first": attention_map_case("first"),
    "attention_map_mean": attention_map_case("mean"),
    "attention_map_mean_masked": attention_map_case("mean", masked(random(1, 5, 7, 6), (0, 1, 2)), key_heads=1),
    "attention_map_first_masked": attention_map_case("first", masked(random(3, 1, 7, 6), (1, 0, 0))),
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
    "patch_embed": patch_embed_case(3, ""),
    "patch_embed_bias": patch_embed_case(1, "bias"),
    "patch_embed_position": patch_embed_case(3, "bias position", ("image", "result")),
    "patch_embed_tokens": patch_embed_case(3, "tokens", ("image", "result")),
    "patch_embed_all": patch_embed_case(3, "bias tokens position"),
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
        f"  %result = {case.op.format_map(types)}\n"
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
