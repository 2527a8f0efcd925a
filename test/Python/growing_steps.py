# ===- growing_steps.py - Steps whose states grow, in ONNX Runtime --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""ONNX Runtime runs a step in a loop that feeds back what it gets, and steps of attention with states of any layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from test_generation_folder import GraphBuilder

from harness import VITC, run_ok

START, END, PAD, SIDE = 1, 2, 0, 8
KINDS = {
    "tensor(bool)": np.bool_,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


class Step:
    """step.onnx in ONNX Runtime, for one item; what it keeps is what it gave."""

    def __init__(self, folder: Path, pixels: np.ndarray | None = None) -> None:
        self.manifest = json.loads((folder / "vitc.json").read_text())
        self.session = onnxruntime.InferenceSession(folder / "step.onnx")
        self.inputs = {each.name: each for each in self.session.get_inputs()}
        self.memory: dict[str, np.ndarray] = {}
        if pixels is not None:
            encoder = onnxruntime.InferenceSession(folder / "encoder.onnx")
            [self.memory["memory"]] = encoder.run(["memory"], {"pixel_values": pixels[None]})

    def begin(self) -> dict[str, np.ndarray]:
        """States of no token: what has no number is the batch, and before it one, or the tokens."""
        states = {}
        for name in self.manifest["states"]:
            shape = [dim if isinstance(dim, int) else int("batch" in dim) for dim in self.inputs[name].shape]
            states[name] = np.zeros(shape, KINDS[self.inputs[name].type])
        return states

    def __call__(self, token: int, states: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """The outputs behind `token`, which has `count` tokens before it, by name; states by their inputs' names."""
        feeds = {"token": np.array([[token]])} | self.memory | states
        if "position" in self.manifest:
            shape = [1 for _ in self.inputs["position"].shape]
            feeds["position"] = np.full(shape, count, KINDS[self.inputs["position"].type])
        for name, number in self.manifest.get("masks", {}).items():
            each = self.inputs[name]
            feeds[name] = np.full([1] * (len(each.shape) - 1) + [count + 1], number, KINDS[each.type])
        names = [each.name for each in self.session.get_outputs()]
        outputs = dict(zip(names, self.session.run(names, feeds), strict=True))
        return outputs | {name: outputs[output] for name, output in self.manifest["states"].items()}


def get_logs(outputs: dict[str, np.ndarray]) -> np.ndarray:
    logits = outputs["scores"].reshape(-1).astype(np.float64)
    logits -= logits.max()
    return logits - np.log(np.exp(logits).sum())


def search(
    step: Step,
    prompt: list[int],
    beams: int,
    length: int,
    *,
    apply: Callable[[np.ndarray, list[int]], np.ndarray] = lambda scores, _: scores,
    penalty: float = 1.0,
    stops: bool = False,
) -> tuple[list[int], float]:
    """The tokens behind the prompt of the best of as many beams, by the sum of their logarithms over the length to a
    power, and that. `apply` changes the scores of what may follow; with `stops`, as many ends as beams are enough."""
    states = step.begin()
    for count, token in enumerate(prompt[:-1]):
        outputs = step(token, states, count)
        states = {name: outputs[name] for name in states}
    running: list[tuple[float, list[int], dict]] = [(0.0, list(prompt), states)]
    ended: list[tuple[float, list[int]]] = []

    def rate(score: float, tokens: list[int]) -> float:
        return score / (len(tokens) - len(prompt)) ** penalty

    while running and len(running[0][1]) < length:
        candidates = []
        for score, tokens, kept in running:
            outputs = step(tokens[-1], kept, len(tokens) - 1)
            after = {name: outputs[name] for name in kept}
            logs = get_logs(outputs)
            if beams == 1:  # rules are for logits, the score is the model's
                best = int(apply(outputs["scores"].reshape(-1).astype(np.float64), tokens).argmax())
                candidates.append((score + logs[best], [*tokens, best], after))
                continue
            for token, log in enumerate(apply(logs, tokens)):
                candidates.append((score + log, [*tokens, token], after))
        candidates.sort(key=lambda candidate: -candidate[0])
        running = []
        for rank, (score, tokens, kept) in enumerate(candidates[: 2 * beams]):
            if tokens[-1] == END and rank < beams:
                ended.append((rate(score, tokens), tokens[len(prompt) : -1]))
            elif tokens[-1] != END and len(running) < beams:
                running.append((score, tokens, kept))
        ended = sorted(ended, key=lambda each: -each[0])[:beams]
        if len(ended) == beams and (stops or not running or rate(*running[0][:2]) <= ended[-1][0]):
            break
    else:
        ended += [(rate(score, tokens), tokens[len(prompt) :]) for score, tokens, _ in running]
    best = max(ended, key=lambda each: each[0])
    return best[1], best[0]


def compile_model(folder: Path, program: Path, *options: str) -> Path:
    run_ok(VITC, folder, "-o", program, "--march=native", "-O1", *options)
    return program


def check_prompts(program: Path, folder: Path, work: Path, prompts: list[list[int]], beams: int, length: int) -> None:
    """Tokens and scores of prompts of one length, together."""
    np.save(work / "token.npy", np.array(prompts))
    options = ["--input", f"token={work / 'token.npy'}", "--output-dir", work / "out", f"--beams={beams}"]
    run_ok(program, *options)
    expected = [search(Step(folder), [START, *prompt], beams, length) for prompt in prompts]
    longest = max(len(tokens) for tokens, _ in expected)
    padded = [tokens + [PAD] * (longest - len(tokens)) for tokens, _ in expected]
    assert np.load(work / "out" / "tokens.npy").tolist() == padded
    np.testing.assert_allclose(np.load(work / "out" / "scores.npy"), [score for _, score in expected], atol=1e-4)
    if len(prompts) > 1:
        assert len({tuple(tokens) for tokens in padded}) > len(prompts) // 2, "the prompts do not tell outputs apart"


HEADS, DEPTH, WIDTH, LAYERS, WORDS, PLACES = 2, 4, 8, 2, 19, 24


class StepBuilder(GraphBuilder):
    """A decoder of two layers of attention. The letters of `layout` are the dims of its states: batch, heads, positions
    and depth, e for heads and depth in one, l for layers and c for keys and values."""

    def __init__(self, layout: str = "bhpd", *, joins: str = "each", batch: int | str = "batch") -> None:
        super().__init__(6)
        self.layout, self.joins, self.batch = layout, joins, batch
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.states: dict[str, str] = {}
        self.masks: dict[str, float | bool] = {}
        self.manifest: dict[str, Any] = {}
        self.rows: dict[tuple[int, int], str] = {}
        self.grown: dict[tuple[int, int], str] = {}
        # One state for each layer and of keys and values, unless the layout has them.
        self.own = "".join(letter for letter in layout if letter not in "lc")

    def add_input(self, name: str, shape: list[int | str], kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def get_shape(self, layout: str, positions: str) -> list[int | str]:
        sizes = {"b": self.batch, "h": HEADS, "p": positions, "d": DEPTH, "e": WIDTH, "l": LAYERS, "c": 2}
        return [sizes[letter] for letter in layout]

    def move(self, x: str, source: str, target: str) -> str:
        """Another order of dims, or e in the place of h and d, and the other way around."""
        if "e" in target and "e" not in source:
            x, source = self.op("Transpose", x, perm=[source.index(letter) for letter in "bphd"]), "bpe"
            x = self.op("Reshape", x, self.constant(f"{x}.flat", [0, 0, WIDTH]))
        if "e" in source and "e" not in target:
            x, source = self.op("Transpose", x, perm=[source.index(letter) for letter in "bpe"]), "bphd"
            x = self.op("Reshape", x, self.constant(f"{x}.apart", [0, 0, HEADS, DEPTH]))
        return self.op("Transpose", x, perm=[source.index(letter) for letter in target])

    def name_state(self, layer: int, part: int) -> str:
        """The state that has a layer's keys or values, and its output."""
        name = "past"
        name += f"_{layer}" * ("l" not in self.layout) + f"_{'kv'[part]}" * ("c" not in self.layout)
        if name not in self.states:
            self.add_input(name, self.get_shape(self.layout, "past"))
            self.states[name] = name.replace("past", "present")
        return name

    def take(self, layer: int, part: int) -> str:
        x, left = self.name_state(layer, part), self.layout
        for letter, index in (("l", layer), ("c", part)):
            if letter in left:
                number = self.constant(f"number.{len(self.nodes)}", index)
                x = self.op("Gather", x, number, axis=left.index(letter))
                left = left.replace(letter, "")
        return x

    def stack(self, parts: dict[tuple[int, int], str], output: str = "") -> str:
        """A state of such layers and kinds, keys or values, the inner dim first."""
        left, values = self.own, parts
        letters = [letter for letter in "cl" if letter in self.layout]
        for letter in letters:
            left = "".join(each for each in self.layout if each in left or each == letter)
            axis, groups = left.index(letter), {}
            for (layer, kind), value in values.items():
                row = self.op("Unsqueeze", value, self.constant(f"{value}.{letter}", [axis]))
                groups.setdefault((layer, 0) if letter == "c" else (0, kind), []).append(row)
            name = output if letter == letters[-1] else ""
            values = {key: self.op("Concat", *rows, output=name, axis=axis) for key, rows in groups.items()}
        [value] = values.values()
        return value

    def grow(self, row: str, layer: int, part: int) -> str:
        """[B, H, positions, depth] with `row` behind those before."""
        row = self.move(row, "bhpd", self.own)
        past = self.take(layer, part)
        is_output = "l" not in self.layout and "c" not in self.layout
        name = self.states[self.name_state(layer, part)] if is_output else ""
        grown = self.op("Concat", past, row, output=name, axis=self.own.index("p"))
        self.rows[layer, part], self.grown[layer, part] = row, grown
        return self.move(grown, self.own, "bhpd")

    def finish(self) -> None:
        """The outputs of states of several layers."""
        for name, output in self.states.items():
            keys = [key for key in self.grown if self.name_state(*key) == name]
            self.outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
            if len(keys) == 1 and "l" not in self.layout and "c" not in self.layout:
                continue
            if self.joins == "rows":
                rows = self.stack({key: self.rows[key] for key in keys})
                self.op("Concat", name, rows, output=output, axis=self.layout.index("p"))
            else:
                self.stack({key: self.grown[key] for key in keys}, output)

    def attend(self, x: str, layer: int, mask: str) -> str:
        split = self.constant(f"split.{layer}", [0, 1, HEADS, DEPTH])
        q, k, v = (
            self.op(
                "Transpose",
                self.op("Reshape", self.op("MatMul", x, self.weight(f"{r}.{layer}", WIDTH, WIDTH)), split),
                perm=[0, 2, 1, 3],
            )
            for r in "qkv"
        )
        k, v = self.grow(k, layer, 0), self.grow(v, layer, 1)
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.op("Add", scores, mask) if mask else scores
        heads = self.op("Transpose", self.op("MatMul", self.op("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        flat = self.op("Reshape", heads, self.constant(f"merge.{layer}", [0, 1, WIDTH]))
        return self.op("Add", x, self.op("MatMul", flat, self.weight(f"o.{layer}", WIDTH, WIDTH)))

    def build(self, path: Path, *, position: list[int | str] | None = None, mask: str = "", places: str = "") -> None:
        """`position` has the shape of that input; `mask` is an input that adds to the scores; `places` is another
        place of each token."""
        self.add_input("token", [self.batch, 1], TensorProto.INT64)
        x = self.op("Gather", self.weight("words", WORDS, WIDTH), "token")
        if position is not None:
            self.add_input("position", position, TensorProto.INT64)
            self.manifest["position"] = "position"
            place = self.op("Gather", self.weight("places", PLACES, WIDTH), "position")
            if len(position) == 1 and position != [1]:  # a row's own place
                place = self.op("Unsqueeze", place, self.constant("middle", [1]))
            x = self.op("Add", x, place)
        x = self.op("Add", x, places) if places else x
        for layer in range(LAYERS):
            x = self.attend(x, layer, mask)
        self.op("MatMul", x, self.weight("head", WIDTH, WORDS, scale=0.4), output="scores")
        self.outputs.insert(0, helper.make_tensor_value_info("scores", TensorProto.FLOAT, [self.batch, 1, WORDS]))
        self.finish()
        path.parent.mkdir(parents=True, exist_ok=True)
        graph = helper.make_graph(self.nodes, "step", self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)
        manifest = {
            "step": "step.onnx",
            "states": self.states,
            "start": START,
            "end": END,
            "pad": PAD,
            "max_length": 14,
        }
        manifest |= {"masks": self.masks} if self.masks else {}
        path.with_name("vitc.json").write_text(json.dumps(manifest | self.manifest))


def change_model(folder: Path, change: Any) -> Path:
    """The graph of a step, and its manifest, with something else."""
    model, manifest = onnx.load(folder / "step.onnx"), json.loads((folder / "vitc.json").read_text())
    change(model.graph, manifest)
    onnx.save(model, folder / "step.onnx")
    (folder / "vitc.json").write_text(json.dumps(manifest))
    return folder


def set_dims(name: str, *dims: int | str) -> Any:
    """Other sizes of an input."""

    def change(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
        [value] = [each for each in graph.input if each.name == name]
        kind = value.type.tensor_type.elem_type
        value.CopyFrom(helper.make_tensor_value_info(name, kind, dims))

    return change


def make_encoder(path: Path, name: str, *shape: int | str) -> None:
    """An encoder: what comes in comes out."""
    value = helper.make_tensor_value_info("map", TensorProto.FLOAT, shape)
    given = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("Identity", ["map"], [name])], "encoder", [value], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def add_mask(builder: StepBuilder, kind: int, number: float | bool, shape: list[int | str]) -> str:
    """An input that grows, as what adds to scores."""
    name = builder.add_input("mask", shape, kind)
    builder.masks[name] = number
    if kind == TensorProto.BOOL:
        zero, far = (builder.weight(each, scale=0.0) for each in ("zero", "far"))
        builder.weights[-1].CopyFrom(onnx.numpy_helper.from_array(np.float32(-np.inf), "far"))
        name = builder.op("Where", name, *((zero, far) if number else (far, zero)))
    elif kind == TensorProto.INT64:
        seen = builder.op("Cast", name, to=TensorProto.FLOAT)
        one, far = (builder.weight(each, scale=0.0) for each in ("one", "far"))
        for tensor, value in zip(builder.weights[-2:], (1, -1e9), strict=True):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(value), tensor.name))
        name = builder.op("Mul", builder.op("Sub", one, seen), far)
    if len(shape) == 2:
        name = builder.op("Unsqueeze", name, builder.constant("heads", [1, 2]))
    return name


def slice_places(builder: StepBuilder) -> str:
    """The row of the position in a table, by a slice whose bounds are computed of an input."""
    builder.add_input("position", [1], TensorProto.INT64)
    builder.manifest["position"] = "position"
    behind = builder.op("Add", "position", builder.constant("one", [1]))
    return builder.op(
        "Slice", builder.weight("places", PLACES, WIDTH), "position", behind, builder.constant("axis", [0])
    )
