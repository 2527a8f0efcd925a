# ===- test_growing_errors.py - Steps that do not grow as they should -----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Each ends in one message, which names the state and the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from growing_steps import (
    LAYERS,
    PLACES,
    WIDTH,
    StepBuilder,
    add_mask,
    change_model,
    make_encoder,
    set_dims,
    slice_places,
)
from onnx import TensorProto, helper

from harness import VITC, error_line, run_ok


def find_concat(graph: onnx.GraphProto) -> onnx.NodeProto:
    return next(node for node in graph.node if node.output[0] == "present_0_k")


def grow_by_two(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    node = find_concat(graph)
    node.input.append(node.input[1])


def put_in_front(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    node = find_concat(graph)
    node.input[:] = reversed(node.input)


def double_state(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    """Two states that grow, one by what it has itself."""
    node = find_concat(graph)
    node.input[1] = node.input[0]


def keep_state(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    """The output is what came in."""
    node = find_concat(graph)
    for other in graph.node:
        other.input[:] = ["grown" if name == node.output[0] else name for name in other.input]
    node.output[0] = "grown"
    graph.node.append(helper.make_node("Identity", ["past_0_k"], ["present_0_k"], name="kept"))


def swap_states(_: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    states = manifest["states"]
    states["past_0_k"], states["past_0_v"] = states["past_0_v"], states["past_0_k"]


def scale_rows(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    node = find_concat(graph)
    for other in graph.node:
        other.input[:] = ["grown" if name == node.output[0] else name for name in other.input]
    node.output[0] = "grown"
    graph.node.append(helper.make_node("Add", ["grown", "grown"], ["present_0_k"], name="doubled"))


def fix_tokens(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    """As the exporter writes it that was told of no open sizes."""
    set_dims("past_0_k", "batch", 2, 5, 4)(graph, manifest)
    [output] = [each for each in graph.output if each.name == "present_0_k"]
    output.CopyFrom(helper.make_tensor_value_info("present_0_k", TensorProto.FLOAT, ["batch", 2, 6, 4]))


def fix_all_tokens(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    for name in STATES:
        set_dims(name, "batch", 2, 5, 4)(graph, manifest)


def take_type(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    [token] = [each for each in graph.input if each.name == "token"]
    token.ClearField("type")


def add_grown_input(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    """Which is neither a state nor a mask."""
    graph.input.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [1, 1, 1, "past + 1"]))


def add_numbered_mask(element: int, number: object) -> Any:
    """An input of that type whose number the manifest gives."""

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        graph.input.append(helper.make_tensor_value_info("shown", element, ["batch", "past + 1"]))
        manifest["masks"] = {"shown": number}

    return change


def add_state(*dims: int | str, kind: str = "Neg", element: int = TensorProto.FLOAT, **attributes: Any) -> Any:
    """One that does not grow, and the op that gives its next value, of that type."""

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        graph.input.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, dims))
        graph.output.append(helper.make_tensor_value_info("h2", element, dims))
        graph.node.append(helper.make_node(kind, ["h"], ["h2"], name="h2", **attributes))
        manifest["states"]["h"] = "h2"

    return change


def name_nothing(**changes: Any) -> Any:
    """An input without a name."""

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        graph.input.append(helper.make_tensor_value_info("", TensorProto.FLOAT, ["batch", 4]))
        manifest.update(changes)

    return change


def set_manifest(**changes: Any) -> Any:
    return lambda _, manifest: manifest.update(changes)


OTHER_SHAPE = (
    "output 'present_0_k' of node 'present_0_k' (Concat) has shape [B, 2, 6, 4] and state 'past_0_k', whose next value "
    "it is, [B, 2, 5, 4]; needs one shape, or, for a state that grows with each token, no number for its tokens and no "
    "value in memory"
)
STATES = {f"past_{layer}_{part}": f"present_{layer}_{part}" for layer in range(LAYERS) for part in "kv"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            grow_by_two,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'Transpose_10', [B, 2, 1, 4]; needs "
            "one tensor of a single position behind it, as its size grows with each token",
        ),
        (
            put_in_front,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'Transpose_10', [B, 2, 1, 4]; needs "
            "one tensor of a single position behind it, as its size grows with each token",
        ),
        (
            double_state,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'past_0_k', [B, 2, 1*i, 4]; needs one "
            "tensor of a single position behind it, as its size grows with each token",
        ),
        (
            keep_state,
            "output 'present_0_k' of node 'kept' (Identity) is not 'past_0_k' with one position more behind it, by "
            "Concat or Attention; a decoder's cache needs to be",
        ),
        (
            scale_rows,
            "output 'present_0_k' of node 'doubled' (Add) is not 'past_0_k' with one position more behind it, by "
            "Concat or Attention; a decoder's cache needs to be",
        ),
        (swap_states, "is not 'past_0_v' with one position more behind it, by Concat or Attention"),
        (
            fix_tokens,
            OTHER_SHAPE,
        ),
        (
            fix_all_tokens,
            OTHER_SHAPE,
        ),
        (
            set_dims("past_0_k", "batch", "heads", "past", 4),
            "state 'past_0_k' has sizes 'heads' and 'past' without a number; needs one that grows with each token, "
            "beside the batch, and --shape heads=64 for another",
        ),
        (
            set_dims("past_0_k", 1, 2, "past", 4),
            "state 'past_0_k' grows with each token and has no size of the batch, which 'token' has; needs one",
        ),
        (
            set_dims("past_0_k", 1, 2, "batch", 4),
            "state 'past_0_k' does not grow and has the batch in dim 2; needs it in dim 0",
        ),
        (add_state(1, 4), "state 'h' does not grow and has no size of the batch, which 'token' has; needs it in dim 0"),
        (add_state(4), "state 'h' does not grow and has no size of the batch, which 'token' has; needs it in dim 0"),
        (add_state(), "state 'h' does not grow and has no size of the batch, which 'token' has; needs it in dim 0"),
        (
            add_state("batch", 4, kind="Cast", element=TensorProto.INT64, to=TensorProto.INT64),
            "states names 'h' of type 'tensor<?x4xf32>' and its next value 'h2' of type 'tensor<?x4xi64>'; needs one "
            "type",
        ),
        (set_dims("past_0_k", "past"), "has symbolic sizes 'past'; needs a number for each"),
        (
            set_dims("token", "all", "all"),
            "input 'token' has the size 'all' of the batch and of the tokens; needs a name for each",
        ),
        (
            set_dims("past_0_k", "batch", 2, "past"),
            "node 'present_0_k' (Concat): input 1 has shape [B, 2, 1, 4] of 'f32'; needs that of input 0",
        ),
        (
            set_dims("past_0_k", "batch", 0, "past", 4),
            "state 'past_0_k' has a size of 0 and room for 14 tokens; needs 1",
        ),
        (
            add_grown_input,
            "input 'bias' grows with each token and is no state; masks needs the number that it holds for each token",
        ),
        (
            set_manifest(states={"past_0_k": "present_0_k", "past_0_v": "present_0_k"}),
            "states names 'present_0_k' for 'past_0_k' and 'past_0_v'; needs an output for each",
        ),
        (
            set_manifest(position="past_0_k"),
            "position names 'past_0_k', which states has, too; needs an input of its own",
        ),
        (set_manifest(token="past_0_k"), "token names 'past_0_k', which states has, too; needs an input of its own"),
        (take_type, "input 'token' is not a tensor; vitc reads tensors"),
        (set_manifest(token=""), "token names '', which is no input of @step"),
        (
            set_manifest(memory={"token": "first"}),
            "token names 'token', which memory has, too; needs an input of its own",
        ),
        (set_manifest(memory={"ids": "first"}), "memory names 'ids', which is no input of @step"),
        (
            set_manifest(scores="present_0_k"),
            "scores names 'present_0_k', which states has, too; needs an output of its own",
        ),
        (
            set_manifest(attention="present_0_k"),
            "attention names 'present_0_k', which states has, too; needs an output of its own",
        ),
        (set_manifest(scores="past_0_k"), "scores names 'past_0_k', which is no output of @step"),
        (set_manifest(position="token"), "position names 'token', which token has, too; needs an input of its own"),
        (set_manifest(masks={"absent": 1}), "masks names 'absent', which is no input of @step"),
        (set_manifest(masks={"token": 1}), "masks names 'token', which token has, too; needs an input of its own"),
        (
            set_manifest(masks={"past_0_k": 1}),
            "masks names 'past_0_k', which states has, too; needs an input of its own",
        ),
        (
            add_numbered_mask(TensorProto.BOOL, 2),
            "masks has 2 for 'shown' of type BOOL; needs a number that it can hold",
        ),
        (
            add_numbered_mask(TensorProto.BOOL, 0.5),
            "masks has 0.5 for 'shown' of type BOOL; needs a number that it can hold",
        ),
        (
            add_numbered_mask(TensorProto.INT64, 0.5),
            "masks has 0.5 for 'shown' of type INT64; needs a number that it can hold",
        ),
        (add_numbered_mask(TensorProto.INT64, 1e300), "for 'shown' of type INT64; needs a number that it can hold"),
        (add_numbered_mask(TensorProto.FLOAT, 1e300), "for 'shown' of type FLOAT; needs a number that it can hold"),
        (set_manifest(masks=3), "masks = 3; it needs an object"),
        (
            set_manifest(masks={"mask": "1"}),
            'masks has "mask": "1"; it needs the number, or true or false, of a token',
        ),
        (set_manifest(position="place"), "position names 'place', which is no input of @step"),
        (set_manifest(token="ids"), "token names 'ids', which is no input of @step"),
        (set_manifest(states=STATES | {"past": "present"}), "states names 'past', which is no input of @step"),
        (
            set_manifest(states=STATES | {"past_0_k": "present"}),
            "states names 'present', which is no output of @step",
        ),
        (
            set_manifest(states={key: value for key, value in STATES.items() if key != "past_1_v"}),
            "input 'past_1_v' grows with each token and is no state; masks needs the number that it holds for each "
            "token",
        ),
        (set_manifest(scores=3), "scores = 3; it needs a string"),
        (set_manifest(attention=3), "attention = 3; it needs a string"),
        (set_manifest(token=3), "token = 3; it needs a string"),
        (name_nothing(states={"": "h2"}), "states names 'h2', which is no output of @step"),
        (name_nothing(masks={"": 1}), "input '' grows with each token; needs to be a mask of them, [batch, tokens]"),
        (name_nothing(token="", masks={"": 1}), "masks names '', which token has, too; needs an input of its own"),
        (set_manifest(max_length=0), "max_length = 0; it needs"),
        (
            set_manifest(max_length=1),
            "state 'past_0_k' grows with each token, and the most are 1 tokens; needs 2 or more",
        ),
        (set_manifest(max_length=1 << 40), f"max_length = {1 << 40}; it needs"),
        (
            lambda graph, manifest: (
                manifest.update(max_length=1 << 20),
                set_dims("past_0_k", "batch", 1 << 14, "past", 4)(graph, manifest),
            ),
            "state 'past_0_k' has a size of 16384 and room for 1048576 tokens; needs 1 to 2147483648 elements in all",
        ),
    ],
)
def test_errors(tmp_path: Path, change: Any, message: str) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    folder = change_model(tmp_path / "model", change)
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1).replace(str(tmp_path), "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--batch=1", "--shape=batch=1"])
def test_state_of_a_batch_that_is_set(tmp_path: Path, option: str) -> None:
    """What the file leaves open may be what a state has."""
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    run_ok(VITC, change_model(tmp_path / "model", add_state(1, 4)), option, "-o", tmp_path / "out", "-O0")


def test_state_that_begins_with_tokens(tmp_path: Path) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    make_encoder(tmp_path / "model" / "encoder.onnx", "first", "batch", 2, 5, 4)

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        manifest |= {"encoder": "encoder.onnx", "memory": {"past_0_k": "first"}}
        [output] = [each for each in graph.output if each.name == "present_0_k"]
        output.CopyFrom(helper.make_tensor_value_info("present_0_k", TensorProto.FLOAT, ["batch", 2, "all", 4]))

    folder = change_model(tmp_path / "model", change)
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith(OTHER_SHAPE)


def test_masks_of_a_step_that_does_not_grow(tmp_path: Path) -> None:
    builder = StepBuilder()
    builder.build(
        tmp_path / "model" / "step.onnx", mask=add_mask(builder, TensorProto.FLOAT, 0, ["batch", 1, 1, "all"])
    )

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        fix_all_tokens(graph, manifest)
        set_dims("mask", "batch", 1, 1, 6)(graph, manifest)
        manifest["states"] = {}

    line = error_line(VITC, change_model(tmp_path / "model", change), "-o", tmp_path / "out", code=1)
    assert line.endswith("masks names 'mask', and no state grows with each token; needs one that does")


def test_tokens_without_states(tmp_path: Path) -> None:
    """A step that computes all tokens again is no step of one token; one that keeps a state is."""
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    folder = change_model(tmp_path / "model", set_dims("token", "batch", "length"))
    run_ok(VITC, folder, "-o", tmp_path / "out", "-O0")

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        fix_all_tokens(graph, manifest)
        manifest["states"] = {}

    line = error_line(VITC, change_model(folder, change), "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "'token' has tokens 'length' without a number, and no state keeps those before; needs states, or --shape "
        "length=1 for a step that reads the last token alone"
    )


def test_mask_that_does_not_grow(tmp_path: Path) -> None:
    builder = StepBuilder()
    builder.build(tmp_path / "model" / "step.onnx", mask=add_mask(builder, TensorProto.FLOAT, 0, ["batch", 1, 1, 1]))
    line = error_line(VITC, tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert line.endswith("masks names 'mask', which has a size for all tokens; needs one that grows with each")


def test_batch_of_the_size_of_layers(tmp_path: Path) -> None:
    """Which of two sizes is the batch cannot be known."""
    StepBuilder("lcbhpd", batch=2).build(tmp_path / "model" / "step.onnx")
    line = error_line(VITC, tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert "state 'past' has sizes of 2 in dims" in line
    assert line.endswith("and the batch of 'token' is that; needs a batch without a number, or of 1")


def test_position_of_many(tmp_path: Path) -> None:
    builder = StepBuilder()
    builder.build(tmp_path / "model" / "step.onnx", position=[1])
    folder = change_model(tmp_path / "model", set_dims("position", "batch", 3))
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith("input 'position' is the position; needs [], [1], [batch] or [batch, 1]")


def read_counted_place(builder: StepBuilder) -> str:
    """The row of the past's length."""
    past = builder.name_state(0, 0)
    count = builder.op("Gather", builder.op("Shape", past), builder.constant("dim", [2]))
    return builder.op("Gather", builder.weight("places", PLACES, WIDTH), count)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            {"position": ["batch", 1]},
            "(Gather): reads position 39 of axis 0 of 'places', [24, 8], where the last token is",
        ),
        ({"position": [1]}, "(Gather): reads position 39 of axis 0 of 'places', [24, 8], where the last token is"),
        (
            {"places": slice_places},
            "(Slice): slices axis 0 of 'places', [24, 8], to position 40 where the last token is",
        ),
        (
            {"places": read_counted_place},
            "(Gather): reads position 39 of axis 0 of 'places', [24, 8], where the last token is",
        ),
    ],
)
def test_more_tokens_than_places(tmp_path: Path, form: dict[str, Any], message: str) -> None:
    """A table of fewer rows than caches have is not read outside of it."""
    builder = StepBuilder()
    form = {name: value(builder) if callable(value) else value for name, value in form.items()}
    builder.build(tmp_path / "model" / "step.onnx", **form)
    line = error_line(VITC, tmp_path / "model", "--max-length=40", "-o", tmp_path / "out", code=1)
    assert line.endswith(f"{message}; needs one for each, or fewer tokens")
    run_ok(VITC, tmp_path / "model", f"--max-length={PLACES}", "-o", tmp_path / "out", "-O0")
