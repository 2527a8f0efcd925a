# ===- test_growing_states.py - Steps that take and give what came before --===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""People's own decoders, as PyTorch's two exporters write them: a step takes keys and values of all tokens before and
gives them with its own behind. ONNX Runtime runs the same files in a loop that feeds back what it gets; the program,
whose caches lie where they are, needs to say the same with the same scores.
data/growing_states/make_models.py made the models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image
from test_generation_folder import GraphBuilder

from harness import VITC, error_line, run_ok

DATA = Path(__file__).parent / "data" / "growing_states"
MODELS = sorted(path.name for path in DATA.iterdir() if path.is_dir())
WRITERS = [name for name in MODELS if not name.startswith("captioner")]
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


def search(step: Step, prompt: list[int], beams: int, length: int) -> tuple[list[int], float]:
    """The tokens behind the prompt of the best of as many beams, by the mean of their logarithms, and that."""
    states = step.begin()
    for count, token in enumerate(prompt[:-1]):
        outputs = step(token, states, count)
        states = {name: outputs[name] for name in states}
    running: list[tuple[float, list[int], dict]] = [(0.0, list(prompt), states)]
    ended: list[tuple[float, list[int]]] = []

    def rate(score: float, tokens: list[int]) -> float:
        return score / (len(tokens) - len(prompt))

    while running and len(running[0][1]) < length:
        candidates = []
        for score, tokens, kept in running:
            outputs = step(tokens[-1], kept, len(tokens) - 1)
            after = {name: outputs[name] for name in kept}
            for token, log in enumerate(get_logs(outputs)):
                candidates.append((score + log, [*tokens, token], after))
        candidates.sort(key=lambda candidate: -candidate[0])
        running = []
        for rank, (score, tokens, kept) in enumerate(candidates[: 2 * beams]):
            if tokens[-1] == END and rank < beams:
                ended.append((rate(score, tokens), tokens[len(prompt) : -1]))
            elif tokens[-1] != END and len(running) < beams:
                running.append((score, tokens, kept))
        ended = sorted(ended, key=lambda each: -each[0])[:beams]
        if len(ended) == beams and rate(*running[0][:2]) <= ended[-1][0]:
            break
    else:
        ended += [(rate(score, tokens), tokens[len(prompt) :]) for score, tokens, _ in running]
    best = max(ended, key=lambda each: each[0])
    return best[1], best[0]


def make_pictures(folder: Path, count: int) -> tuple[list[Path], np.ndarray]:
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (count, SIDE, SIDE, 3)) * rng.integers(0, 2, (count, 1, 1, 3))
    pictures = pictures.astype(np.uint8)
    paths = [folder / f"{index}.png" for index in range(count)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return paths, ((pictures.astype(np.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)


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


@pytest.fixture(scope="module", params=WRITERS)
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = DATA / request.param
    return compile_model(folder, tmp_path_factory.mktemp("writer") / "program"), folder


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("batch", [1, 7])
def test_writers(tmp_path: Path, writer: tuple[Path, Path], batch: int, beams: int) -> None:
    prompts = [[3 + 2 * item, 20 - item] for item in range(batch)]
    check_prompts(*writer, tmp_path, prompts, beams, length=12)


@pytest.fixture(scope="module", params=["captioner-dynamo", "captioner-torchscript"])
def captioner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = DATA / request.param
    return compile_model(folder, tmp_path_factory.mktemp("captioner") / "program"), folder


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("batch", [1, 7])
def test_captioners(tmp_path: Path, captioner: tuple[Path, Path], batch: int, beams: int) -> None:
    """With the attention to the picture of each token that is said."""
    program, folder = captioner
    paths, pixels = make_pictures(tmp_path, batch)
    maps = tmp_path / "maps"
    output = run_ok(program, "--json", f"--beams={beams}", "--attention", maps, *paths)
    said = set()
    for path, picture, answer in zip(paths, pixels, json.loads(output), strict=True):
        step = Step(folder, picture)
        tokens, score = search(step, [START], beams, length=12)
        assert answer["tokens"] == tokens
        assert answer["score"] == pytest.approx(score, abs=1e-4)
        said.add(tuple(tokens))
        states, expected = step.begin(), []
        for count, token in enumerate([START, *tokens[:-1]]):
            outputs = step(token, states, count)
            states = {name: outputs[name] for name in states}
            expected.append(outputs["alpha"].ravel())
        alpha = np.load(maps / f"{path.stem}.attention.npy")
        np.testing.assert_allclose(alpha, np.array(expected), rtol=0, atol=1e-5)
    assert batch == 1 or len(said) > batch // 2, "the pictures do not tell captions apart"


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


def change_model(folder: Path, change: Any) -> Path:
    """The graph of a step, and its manifest, with something else."""
    model, manifest = onnx.load(folder / "step.onnx"), json.loads((folder / "vitc.json").read_text())
    change(model.graph, manifest)
    onnx.save(model, folder / "step.onnx")
    (folder / "vitc.json").write_text(json.dumps(manifest))
    return folder


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


# ===----------------------------------------------------------------------===#
# Errors
# ===----------------------------------------------------------------------===#


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


def set_dims(name: str, *dims: int | str) -> Any:
    """Other sizes of an input."""

    def change(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
        [value] = [each for each in graph.input if each.name == name]
        kind = value.type.tensor_type.elem_type
        value.CopyFrom(helper.make_tensor_value_info(name, kind, dims))

    return change


def fix_tokens(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    """As the exporter writes it that was told of no open sizes."""
    set_dims("past_0_k", "batch", 2, 5, 4)(graph, manifest)
    [output] = [each for each in graph.output if each.name == "present_0_k"]
    output.CopyFrom(helper.make_tensor_value_info("present_0_k", TensorProto.FLOAT, ["batch", 2, 6, 4]))


def fix_all_tokens(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
    for name in STATES:
        set_dims(name, "batch", 2, 5, 4)(graph, manifest)


def add_grown_input(graph: onnx.GraphProto, _: dict[str, Any]) -> None:
    """Which is neither a state nor a mask."""
    graph.input.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [1, 1, 1, "past + 1"]))


def set_manifest(**changes: Any) -> Any:
    return lambda _, manifest: manifest.update(changes)


STATES = {f"past_{layer}_{part}": f"present_{layer}_{part}" for layer in range(LAYERS) for part in "kv"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            grow_by_two,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'Transpose_10', [B, 2, 1, 4]; needs one "
            "tensor of a single position behind it, as its size grows with each token",
        ),
        (
            put_in_front,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'Transpose_10', [B, 2, 1, 4]; needs one "
            "tensor of a single position behind it, as its size grows with each token",
        ),
        (
            double_state,
            "(Concat): puts axis 2 of 'past_0_k', [B, 2, 1*i, 4], together with 'past_0_k', [B, 2, 1*i, 4]; needs one "
            "tensor of a single position behind it, as its size grows with each token",
        ),
        (
            keep_state,
            "output 'present_0_k' of node 'kept' (Identity) is not 'past_0_k' with one position more behind it, by Concat "
            "or Attention; a decoder's cache needs to be",
        ),
        (
            scale_rows,
            "output 'present_0_k' of node 'doubled' (Add) is not 'past_0_k' with one position more behind it, by Concat "
            "or Attention; a decoder's cache needs to be",
        ),
        (swap_states, "is not 'past_0_v' with one position more behind it, by Concat or Attention"),
        (
            fix_tokens,
            "state 'past_0_k' has size 5 in dim 2 and its next value 'present_0_k' has 6; needs the same, or, to grow with "
            "each token, no number",
        ),
        (
            fix_all_tokens,
            "states names 'past_0_k' of type 'tensor<?x2x5x4xf32>' and its next value 'present_0_k' of type "
            "'tensor<?x2x6x4xf32>'; needs one type, or, to grow with each token, no number where 'past_0_k' has its "
            "tokens",
        ),
        (
            set_dims("past_0_k", "batch", "heads", "past", 4),
            "state 'past_0_k' has sizes 'heads' and 'past' without a number; needs one that grows with each token, beside "
            "the batch, and --shape heads=64 for another",
        ),
        (
            set_dims("past_0_k", 1, 2, "past", 4),
            "state 'past_0_k' grows with each token and has no size of the batch, which 'token' has; needs one",
        ),
        (set_dims("past_0_k", "batch", 2, "past"), "past_0_k"),
        (
            set_dims("past_0_k", "batch", 0, "past", 4),
            "state 'past_0_k' has a size of 0 and room for 14 tokens; needs 1",
        ),
        (
            add_grown_input,
            "input 'bias' grows with each token and is no state; masks needs the number that it holds for each token",
        ),
        (set_manifest(masks={"absent": 1}), "masks names 'absent', which is no input of @step"),
        (set_manifest(masks={"token": 1}), "masks names 'token', which token has, too; needs an input of its own"),
        (
            set_manifest(masks={"past_0_k": 1}),
            "masks names 'past_0_k', which states has, too; needs an input of its own",
        ),
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
            "has no output 'present', the next value of 'past_0_k'",
        ),
        (
            set_manifest(states={key: value for key, value in STATES.items() if key != "past_1_v"}),
            "input 'past_1_v' grows with each token and is no state; masks needs the number that it holds for each token",
        ),
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
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()


def make_encoder(path: Path, name: str, *shape: int | str) -> None:
    """What comes in comes out."""
    value = helper.make_tensor_value_info("map", TensorProto.FLOAT, shape)
    given = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("Identity", ["map"], [name])], "encoder", [value], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def test_state_that_begins_with_tokens(tmp_path: Path) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    make_encoder(tmp_path / "model" / "encoder.onnx", "first", "batch", 2, 5, 4)

    def change(graph: onnx.GraphProto, manifest: dict[str, Any]) -> None:
        manifest |= {"encoder": "encoder.onnx", "memory": {"past_0_k": "first"}}
        [output] = [each for each in graph.output if each.name == "present_0_k"]
        output.CopyFrom(helper.make_tensor_value_info("present_0_k", TensorProto.FLOAT, ["batch", 2, "all", 4]))

    folder = change_model(tmp_path / "model", change)
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "state 'past_0_k' begins with what the encoder gives and grows, from 'past' to 'all'; needs to begin without "
        "tokens, or --shape past=64 for one that does not grow"
    )


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


def test_mask_that_does_not_grow(tmp_path: Path) -> None:
    builder = StepBuilder()
    builder.build(tmp_path / "model" / "step.onnx", mask=add_mask(builder, TensorProto.FLOAT, 0, ["batch", 1, 1, 1]))
    line = error_line(VITC, tmp_path / "model", "-o", tmp_path / "out", code=1)
    assert line.endswith("masks names 'mask', which has a size for all tokens; needs one that grows with each")


def test_position_of_many(tmp_path: Path) -> None:
    builder = StepBuilder()
    builder.build(tmp_path / "model" / "step.onnx", position=[1])
    folder = change_model(tmp_path / "model", set_dims("position", "batch", 3))
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith("input 'position' is the position; needs [], [1], [batch] or [batch, 1]")


@pytest.mark.parametrize("name", ["captioner-dynamo", "captioner-torchscript", "stacked-dynamo", "writer-torchscript"])
def test_verifies(name: str) -> None:
    """Encoder, several steps with their caches, and what attends to pictures, against the reference."""
    text = run_ok(VITC, "verify", DATA / name, "--batch=2", "--tolerance=1e-5")
    assert int(re.search(r"and (\d+) outputs agree with the reference", text)[1]) >= 5


def test_explains_each_cache(tmp_path: Path) -> None:
    """A row of each is written where it lies: no kernel moves a cache."""
    StepBuilder("lcbhpd").build(tmp_path / "model" / "step.onnx")
    text = run_ok(VITC, "explain", tmp_path / "model", "--json")
    rows = [kernel for kernel in json.loads(text)["kernels"] if kernel["op"] == "gather"]
    assert [kernel["written_bytes"] for kernel in rows] == [WIDTH * 4] * 2 * LAYERS
