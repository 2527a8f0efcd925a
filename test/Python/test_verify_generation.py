# ===- test_verify_generation.py - vitc verify of decoders and loops -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The encoder, several steps of the decoder and the last iteration of loops are compared with the reference, and a
planted miscompile is named. test_verify.py says how they are planted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dumps import Dump, dump, mismatch
from harness import VITC, error_line, run_ok

MODELS = Path(__file__).parent / "data" / "generation"
GPT2 = MODELS / "GPT2LMHeadModel"


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "MarianMTModel", "T5ForConditionalGeneration", "ViT-GPT2"])
def test_decoder_verifies(name: str) -> None:
    """Two layers have four caches, which are outputs of a step, with the scores."""
    text = run_ok(VITC, "verify", MODELS / name, "--batch=2", "--tolerance=1e-5")
    assert int(re.search(r"and (\d+) outputs agree with the reference", text)[1]) >= 5


def wrong_scale(module: Dump) -> str:
    module.edit("vit.attention", "transformer.h.1.attn", r"scale [\d.]+", "scale 0.3")
    return "transformer.h.1.attn"


def old_key_length(module: Dump) -> str:
    """Right for the first token alone."""
    (line,) = (i for i, text in enumerate(module.lines) if "arith.addi %in, %c1_i64" in text)
    module.lines[line] = module.lines[line].replace("arith.addi", "arith.maxsi")
    return "transformer.h.0.attn"


def wrong_state(module: Dump) -> str:
    """The values as keys: of one token attention gives the same."""
    line = next(i for i, text in enumerate(module.lines) if "vit.cache_update" in text)
    value = re.search(r"cache_update %\w+, (%\w+) at", module.lines[line + 1])[1]
    module.lines[line] = re.sub(r"(cache_update %\w+), %\w+ at", rf"\1, {value} at", module.lines[line])
    return "self_key_0"


def wrong_last_row(module: Dump) -> str:
    """What a cache of 20 tokens holds behind the 19th is not seen."""
    (line,) = (i for i, text in enumerate(module.lines) if "arith.addi %in, %c1_i64" in text)
    constant = '      %last = arith.constant 19 : i64 loc("last")\n'
    module.lines[line] = (
        constant
        + module.lines[line].replace(re.match(r"\s*(%\w+)", module.lines[line])[1], "%next")
        + "\n"
        + re.sub(r"arith.addi %in, %c1_i64", "arith.minsi %next, %last", module.lines[line])
    )
    return "transformer.h.0.attn"


@pytest.mark.parametrize(
    ("plant", "step"), [(wrong_scale, 1), (old_key_length, 1), (wrong_state, 0), (wrong_last_row, 19)]
)
def test_planted_step_is_named(plant: Callable[[Dump], str], step: int, tmp_path: Path) -> None:
    module = dump(GPT2, "raise", tmp_path / "raise.mlir")
    named = plant(module)
    (tmp_path / "raise.mlir").write_text(module.text())
    error = mismatch("verify", GPT2, f"--candidate={tmp_path / 'raise.mlir'}")
    assert named in error and "differs from the reference" in error
    assert f", in step {step} of @step; first at" in error


def test_planted_encoder_is_named(tmp_path: Path) -> None:
    model = MODELS / "MarianMTModel"
    module = dump(model, "raise", tmp_path / "raise.mlir")
    (line,) = (
        i
        for i, text in enumerate(module.lines)
        if "= vit.attention " in text and "encoder.layers.1" in module.name_of(i)
    )
    module.lines[line] = re.sub(r"scale [\d.]+", "scale 0.3", module.lines[line])
    (tmp_path / "raise.mlir").write_text(module.text())
    error = mismatch("verify", model, f"--candidate={tmp_path / 'raise.mlir'}")
    assert "encoder.layers.1" in error


@pytest.mark.parametrize("name", ["MarianMTModel", "T5ForConditionalGeneration", "ViT-GPT2"])
def test_maps_of_a_step_verify(name: str) -> None:
    """Those of the two layers that look at the encoder's memory, of each query and in their mean."""
    text = run_ok(VITC, "verify", MODELS / name, "--batch=2", "--tolerance=1e-5")
    assert ", 4 attention maps and " in text


@pytest.mark.parametrize("change", [(r"scale \S+", "scale 0.30"), (r" mask\([^)]*\)", "")], ids=["scale", "mask"])
def test_planted_map_of_a_step_is_named(change: tuple[str, str], tmp_path: Path) -> None:
    """In @attention alone, which the tokens do not show."""
    model, layer = MODELS / "MarianMTModel", "model.decoder.layers.1.encoder_attn"
    module = dump(model, "fuse", tmp_path / "fuse.mlir")
    module.edit("vit.attention_map", layer, *change)
    (tmp_path / "edited.mlir").write_text(module.text())
    error = mismatch("verify", model, f"--candidate={tmp_path / 'edited.mlir'}")
    expected = f"error: {layer}: 'kernel.attention_map' differs from the reference, the probabilities of "
    assert error.startswith(expected + "'vit.attention', in step "), error


def test_inputs_of_a_step(tmp_path: Path) -> None:
    """A token that is given is each step's; a name that neither function has is refused."""
    np.save(tmp_path / "token.npy", np.array([[7]]))
    run_ok(VITC, "verify", GPT2, f"--input=token={tmp_path / 'token.npy'}")
    error = error_line(VITC, "verify", GPT2, f"--input=tokens={tmp_path / 'token.npy'}", code=1)
    assert "--input names 'tokens'; the model has 'token' 'position' 'self_key_0'" in error


def test_candidate_without_the_step(tmp_path: Path) -> None:
    dump(MODELS.parent / "models" / "ViTForImageClassification", "kernel", tmp_path / "kernel.mlir")
    error = error_line(VITC, "verify", GPT2, f"--candidate={tmp_path / 'kernel.mlir'}", code=1)
    assert error.endswith("the candidate has no function @step, which the model has")


# --- Loops --------------------------------------------------------------------

LOOP = """
module {
  func.func @forward(%x: tensor<?x6x8xf32> {vit.name = "x"}) -> (tensor<?x8xf32> {vit.name = "y"}) {
    %weights = arith.constant dense<"0x@WEIGHTS@"> : tensor<8x8xf32>
    %bias = arith.constant dense<[0.5, -0.5, 0.25, -0.25, 1.0, -1.0, 0.125, 0.0]> : tensor<8xf32>
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c6 = arith.constant 6 : index
    %n = tensor.dim %x, %c0 : tensor<?x6x8xf32>
    %empty = tensor.empty(%n) : tensor<?x1x8xf32>
    %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
    %inputs = vit.gelu %x : tensor<?x6x8xf32> loc("inputs")
    %last = scf.for %i = %c0 to %c6 step %c1 iter_args(%h = %start) -> (tensor<?x1x8xf32>) {
      %row = tensor.extract_slice %inputs[0, %i, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x6x8xf32> to tensor<?x1x8xf32>
          loc("row")
      %sum = arith.addf %h, %row : tensor<?x1x8xf32> loc("cell.sum")
      %next = vit.linear %sum, %weights bias(%bias : tensor<8xf32>)
          : tensor<?x1x8xf32>, tensor<8x8xf32> -> tensor<?x1x8xf32> loc("cell.linear")
      %gate = vit.gelu %next : tensor<?x1x8xf32> loc("cell.gate")
      scf.yield %gate : tensor<?x1x8xf32>
    }
    %y = tensor.collapse_shape %last [[0], [1, 2]] : tensor<?x1x8xf32> into tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
"""


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    weights = np.random.default_rng(0).normal(size=(8, 8)).astype("<f4") / 3
    path = tmp_path / "loop.mlir"
    path.write_text(LOOP.replace("@WEIGHTS@", weights.tobytes().hex().upper()))
    return path


def test_loop_verifies(loop: Path) -> None:
    """Its kernels are compared by what the last iteration leaves."""
    text = run_ok(VITC, "verify", loop, "-v")
    assert re.search(r"cell\.(linear|gate)  kernel\.gemm", text), text


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [("vit.gelu %next :", "vit.gelu %next tanh :"), ("bias\\(%bias : tensor<8xf32>\\)", ""), ("0, %i, 0", "0, 0, 0")],
)
def test_planted_loop_is_named(pattern: str, replacement: str, loop: Path, tmp_path: Path) -> None:
    edited, count = re.subn(pattern, replacement, loop.read_text())
    assert count == 1
    (tmp_path / "edited.mlir").write_text(edited)
    run_ok(VITC, "compile", tmp_path / "edited.mlir", "--compile-to=kernel", "-o", tmp_path / "kernel.mlir")
    error = mismatch("verify", loop, f"--candidate={tmp_path / 'kernel.mlir'}", "--tolerance=1e-6")
    assert re.search(r"cell\.\w+: .*differs from the reference|cell\.\w+.*differs", error), error


def test_stale_buffer_in_a_loop_is_named(loop: Path, tmp_path: Path) -> None:
    """The product at the end of the body takes the memory of what the next iteration reads at its beginning."""
    path = tmp_path / "kernel.mlir"
    run_ok(VITC, "compile", loop, "--compile-to=kernel", "-o", path)
    text = path.read_text()
    inputs = re.search(r"kernel\.buffer %\w+ (arena.*) : memref<\?x6x8xf32>", text)[1]
    product = re.search(r"kernel\.gemm .* init\((%\w+) at", text)[1]
    text, count = re.subn(
        rf"({product} = kernel\.buffer %\w+) arena.* : (memref<\?x1x8xf32>)", rf"\1 {inputs} : \2", text
    )
    assert count == 1
    path.write_text(text)
    error = mismatch("verify", loop, f"--candidate={path}")
    assert "'kernel.gather' reads what the arena plan gives no memory of its own: 'cell.gate' overwrites" in error
    assert "the value of 'inputs'" in error
