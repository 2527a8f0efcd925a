# ===- test_growing_layouts.py - States, positions and masks of any form --===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What a step's inputs are like differs from one exporter to the next: each form says what ONNX Runtime says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from growing_steps import (
    LAYERS,
    START,
    WIDTH,
    WORDS,
    Step,
    StepBuilder,
    add_mask,
    change_model,
    check_prompts,
    compile_model,
    make_encoder,
    search,
    set_dims,
    slice_places,
)
from onnx import TensorProto, helper

from harness import VITC, error_line, run_ok

PROMPTS = [[3 + item, 17 - 2 * item] for item in range(7)]


def check_step(builder: StepBuilder, folder: Path, *, beams: int = 3, batch: int = 7, **form: Any) -> None:
    """That it says what ONNX Runtime says, and reads the rows of caches that there are."""
    model = folder / "model"
    builder.build(model / "step.onnx", **form)
    check_prompts(compile_model(model, folder / "program"), model, folder, PROMPTS[:batch], beams, length=14)
    run_ok(VITC, model, "-o", folder / "step.mlir", "--compile-to=fuse")
    attentions = [line for line in (folder / "step.mlir").read_text().splitlines() if "vit.attention" in line]
    assert len(attentions) == LAYERS
    assert all("key_length" in line for line in attentions)


@pytest.mark.parametrize(
    "layout",
    ["bhpd", "bphd", "bpe", "pbe", "pbhd", "bhdp", "lcbhpd", "blchpd", "lbhpd", "cbphd", "clpbe", "bpcle", "lbpe"],
)
def test_layouts(tmp_path: Path, layout: str) -> None:
    """The tokens of a state in any dim, and states of each layer, of all, of keys or values or of both."""
    check_step(StepBuilder(layout), tmp_path)


@pytest.mark.parametrize("layout", ["lcbhpd", "blchpd", "clpbe"])
def test_rows_that_are_put_behind_together(tmp_path: Path, layout: str) -> None:
    """The output is the state with the rows of all layers behind it, and each layer joins its own for itself."""
    check_step(StepBuilder(layout, joins="rows"), tmp_path)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("shape", [[], [1], ["batch"], [1, 1], ["batch", 1]])
def test_positions(tmp_path: Path, shape: list[int | str], beams: int) -> None:
    check_step(StepBuilder(), tmp_path, position=shape, beams=beams)


def test_slices_at_the_position(tmp_path: Path) -> None:
    builder = StepBuilder()
    check_step(builder, tmp_path, places=slice_places(builder))


def test_history_of_tokens(tmp_path: Path) -> None:
    """A state of integers: the numbers of all tokens so far, of which a token looks at all words."""
    builder = StepBuilder()
    builder.add_input("history", ["batch", "past"], TensorProto.INT64)
    grown = builder.op("Concat", "history", "token", output="told", axis=1)
    builder.outputs.append(helper.make_tensor_value_info("told", TensorProto.INT64, ["batch", "all"]))
    rows = builder.op("Gather", builder.weight("told.words", WORDS, WIDTH), grown)
    query = builder.op("Gather", builder.weight("asks", WORDS, WIDTH), "token")
    scores = builder.op("MatMul", query, builder.op("Transpose", rows, perm=[0, 2, 1]))
    places = builder.op("MatMul", builder.op("Softmax", scores, axis=-1), rows)
    builder.build(tmp_path / "model" / "step.onnx", places=places)
    folder = change_model(tmp_path / "model", lambda _, manifest: manifest["states"].update(history="told"))
    program = compile_model(folder, tmp_path / "program")
    for beams in (1, 3):
        check_prompts(program, folder, tmp_path, PROMPTS, beams, length=14)


def narrow_state(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    """A state of 16 bits."""
    for values, name in ((graph.input, "past_0_v"), (graph.output, "present_0_v")):
        [value] = [each for each in values if each.name == name]
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    index = next(index for index, node in enumerate(graph.node) if node.output[0] == "present_0_v")
    node = graph.node[index]
    row = node.input[1]
    for other in graph.node:
        other.input[:] = ["wide" if name == "present_0_v" else name for name in other.input]
    node.input[1] = "narrow"
    graph.node.insert(index + 1, helper.make_node("Cast", ["present_0_v"], ["wide"], to=TensorProto.FLOAT))
    graph.node.insert(index, helper.make_node("Cast", [row], ["narrow"], to=TensorProto.FLOAT16))
    del graph.value_info[:]


def test_states_of_16_bits(tmp_path: Path) -> None:
    """What a cast has rounded is kept as it is."""
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    folder = change_model(tmp_path / "model", narrow_state)
    program = compile_model(folder, tmp_path / "program")
    check_prompts(program, folder, tmp_path, PROMPTS, beams=3, length=14)


@pytest.mark.parametrize(
    ("kind", "number", "shape"),
    [
        (TensorProto.BOOL, True, ["batch", "all"]),
        (TensorProto.BOOL, False, ["batch", "past + 1"]),
        (TensorProto.BOOL, True, [1, 1, 1, "keys"]),
        (TensorProto.FLOAT, 0, ["batch", 1, 1, "all"]),
        (TensorProto.FLOAT, 0.0, ["batch", "all"]),
        (TensorProto.INT64, 1, ["batch", "all"]),
        (TensorProto.INT64, 1, [1, "past + 1"]),
    ],
)
def test_masks(tmp_path: Path, kind: int, number: float | bool, shape: list[int | str]) -> None:
    """What a mask holds for a token that there is differs: True takes part or is left out, 0 is added, 1 is kept."""
    builder = StepBuilder()
    check_step(builder, tmp_path, mask=add_mask(builder, kind, number, shape))


def test_states_without_names_of_sizes(tmp_path: Path) -> None:
    """-1 and nothing at all; the batch is the first."""
    builder = StepBuilder("bphd")
    builder.build(tmp_path / "model" / "step.onnx")
    model = onnx.load(tmp_path / "model" / "step.onnx")
    for value in model.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.Clear()
    onnx.save(model, tmp_path / "model" / "unnamed.onnx")
    manifest = json.loads((tmp_path / "model" / "vitc.json").read_text()) | {"step": "unnamed.onnx"}
    named = compile_model(tmp_path / "model", tmp_path / "named")
    (tmp_path / "model" / "vitc.json").write_text(json.dumps(manifest))
    unnamed = compile_model(tmp_path / "model", tmp_path / "unnamed")
    np.save(tmp_path / "token.npy", np.array(PROMPTS))
    for program in (named, unnamed):
        options = [
            "--input",
            f"token={tmp_path / 'token.npy'}",
            "--output-dir",
            program.with_suffix(".out"),
            "--beams=3",
        ]
        run_ok(program, *options)
    tokens = [np.load(program.with_suffix(".out") / "tokens.npy").tolist() for program in (named, unnamed)]
    assert tokens[0] == tokens[1]


@pytest.mark.parametrize(
    "sizes",
    [
        {"token": ["batch", "length"], "past": ["batch", "length"], "mask": ["batch", "length"]},
        {"token": ["batch", "length"], "past": ["batch", "length"], "mask": ["batch", "all"]},
        {"token": ["rows", 1], "past": ["rows", "rows"], "mask": ["rows", "rows"]},
        {"token": ["?", "?"], "past": ["?", "?"], "mask": ["?", "?"]},
    ],
)
def test_sizes_of_one_name(tmp_path: Path, sizes: dict[str, list[int | str]]) -> None:
    """A file may call two sizes the same: of the token, of a state and of a mask it is known what each is."""
    builder = StepBuilder()
    mask = add_mask(builder, TensorProto.INT64, 1, ["batch", "all"])
    builder.build(tmp_path / "named" / "step.onnx", position=["batch", 1], mask=mask)
    shutil.copytree(tmp_path / "named", tmp_path / "model")

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        for name in manifest["states"]:
            batch, past = sizes["past"]
            set_dims(name, batch, 2, past, 4)(graph, manifest)
        for name in ("token", "mask"):
            set_dims(name, *sizes[name])(graph, manifest)
        set_dims("position", *sizes["token"])(graph, manifest)

    program = compile_model(change_model(tmp_path / "model", change), tmp_path / "program")
    check_prompts(program, tmp_path / "named", tmp_path, PROMPTS, beams=3, length=14)


def rename_output(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    """The scores have the name of a part."""
    for node in graph.node:
        node.output[:] = ["past.1.1" if name == "scores" else name for name in node.output]
    graph.output[0].name = manifest["scores"] = "past.1.1"


def rename_history(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    """So has another state."""
    graph.input.append(helper.make_tensor_value_info("past.0.1", TensorProto.INT64, ["batch", "past"]))
    graph.output.append(helper.make_tensor_value_info("told", TensorProto.INT64, ["batch", "all"]))
    graph.node.append(helper.make_node("Concat", ["past.0.1", "token"], ["told"], axis=1))
    manifest["states"]["past.0.1"] = "told"


@pytest.mark.parametrize("change", [rename_output, rename_history])
def test_names_of_parts(tmp_path: Path, change: Any) -> None:
    """Caches of the parts of a state have names that nothing else has."""
    StepBuilder("lcbhpd").build(tmp_path / "named" / "step.onnx")
    shutil.copytree(tmp_path / "named", tmp_path / "model")
    program = compile_model(change_model(tmp_path / "model", change), tmp_path / "program")
    check_prompts(program, tmp_path / "named", tmp_path, PROMPTS, beams=3, length=14)


def test_names_of_parts_and_of_the_encoder(tmp_path: Path) -> None:
    """A cache does not begin with what the encoder happens to call so."""
    StepBuilder("lcbhpd").build(tmp_path / "model" / "step.onnx")
    make_encoder(tmp_path / "model" / "encoder.onnx", "past.0.1", "batch", 3, WIDTH)
    change_model(tmp_path / "model", lambda _, manifest: manifest.update(encoder="encoder.onnx"))
    program = compile_model(tmp_path / "model", tmp_path / "program")
    np.save(tmp_path / "map.npy", np.ones((2, 3, WIDTH), np.float32))
    run_ok(program, f"--input=map={tmp_path / 'map.npy'}", "--output-dir", tmp_path / "out")
    tokens, score = search(Step(tmp_path / "model"), [START], 1, 14)
    assert np.load(tmp_path / "out" / "tokens.npy").tolist() == [tokens] * 2
    np.testing.assert_allclose(np.load(tmp_path / "out" / "scores.npy"), [score] * 2, atol=1e-4)


@pytest.mark.parametrize("layout", ["bhpd", "lcbhpd", "pbe"])
def test_fixed_batch(tmp_path: Path, layout: str) -> None:
    """A step of one item, as it is exported without dynamic axes for the batch, has one beam."""
    check_step(StepBuilder(layout, batch=1), tmp_path, beams=1, batch=1)
    np.save(tmp_path / "token.npy", np.array(PROMPTS[:1]))
    options = ["--input", f"token={tmp_path / 'token.npy'}", "--output-dir", tmp_path / "out", "--beams=2"]
    line = error_line(tmp_path / "program", *options, code=1)
    assert line.endswith("1 items with 2 beams are 2 rows; the model was compiled for a batch of 1")


def test_batch_option(tmp_path: Path) -> None:
    """As many rows as there are beams."""
    StepBuilder("lcbhpd").build(tmp_path / "model" / "step.onnx", position=["batch"])
    program = compile_model(tmp_path / "model", tmp_path / "program", "--batch=3")
    check_prompts(program, tmp_path / "model", tmp_path, PROMPTS, beams=3, length=14)


def test_max_length_of_caches(tmp_path: Path) -> None:
    """Of the option, before the manifest's; a program takes fewer."""
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    program = compile_model(tmp_path / "model", tmp_path / "program", "--max-length=9")
    check_prompts(program, tmp_path / "model", tmp_path, PROMPTS, beams=3, length=9)
    assert json.loads(run_ok(program, "--info", "--json"))["generation"].startswith("up to 9 tokens")


def give_probabilities(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    """Weights of a token's attention to those before, which grow, too."""
    node = next(node for node in graph.node if node.op_type == "Softmax")
    for other in graph.node:
        other.input[:] = ["weights" if name == node.output[0] else name for name in other.input]
    node.output[0] = "weights"
    graph.output.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, None))


def test_outputs_that_nobody_names(tmp_path: Path) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    program = compile_model(change_model(tmp_path / "model", give_probabilities), tmp_path / "program")
    check_prompts(program, tmp_path / "model", tmp_path, PROMPTS, beams=3, length=14)
    change_model(tmp_path / "model", lambda _, manifest: manifest.update(attention="weights"))
    line = error_line(VITC, tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "output 'weights' has shape [B, 2, 1, 1*i+1], which grows with each token; needs to be the next value of an "
        "input of tokens before"
    )


def test_explains_each_cache(tmp_path: Path) -> None:
    """A row of each is written where it lies: no kernel moves a cache."""
    StepBuilder("lcbhpd").build(tmp_path / "model" / "step.onnx")
    text = run_ok(VITC, "explain", tmp_path / "model", "--json")
    rows = [kernel for kernel in json.loads(text)["kernels"] if kernel["op"] == "gather"]
    assert [kernel["written_bytes"] for kernel in rows] == [WIDTH * 4] * 2 * LAYERS
