# ===- test_text_models.py - Text encoders, CLIP and SigLIP ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny text encoders, and models of texts and pictures, agree with transformers.

Each folder of data/text_models holds a model with perturbed weights, and in io.npz its inputs and outputs by
transformers in f32. Those of CLIPModel and SiglipModel have the outputs of their towers' classes too.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

import vitc
from harness import VITC, error_line, run_ok

MODELS = Path(__file__).parent / "data" / "text_models"
TOLERANCE = 1e-5
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "pixel_values")
NATIVE = "--march=native"


def load(name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The inputs and outputs that a folder has."""
    with np.load(MODELS / name / "io.npz") as data:
        arrays = dict(data)
    return {k: v for k, v in arrays.items() if k in INPUTS}, {k: v for k, v in arrays.items() if k not in INPUTS}


def run_tensors(
    model: Path, inputs: dict[str, np.ndarray], folder: Path, *options: str, verb: str = "run"
) -> dict[str, np.ndarray]:
    """The outputs by name, of a program too where there is no verb of vitc."""
    arguments = []
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    shutil.rmtree(folder / "outputs", ignore_errors=True)
    program = [VITC, verb, model, NATIVE] if verb else [model]
    run_ok(*program, *options, *arguments, "--output-dir", folder / "outputs")
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


def assert_agrees(actual: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(expected).max() > 0.05  # a tiny output would agree with anything
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def copy_model(name: str, folder: Path, **changes: object) -> Path:
    """A copy of a folder, with another configuration; a null removes a key."""
    shutil.copytree(MODELS / name, folder)
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    return folder


# ===----------------------------------------------------------------------===#
# Text encoders
# ===----------------------------------------------------------------------===#


@pytest.mark.parametrize(
    "name",
    [
        "BertForMaskedLM",
        "BertForSequenceClassification",
        "BertModel",
        "DistilBertForMaskedLM",
        "DistilBertForSequenceClassification",
        "MPNetModel",
        "RobertaForMaskedLM",
        "RobertaForSequenceClassification",
        "RobertaModel",
    ],
)
def test_agrees_with_transformers(name: str, tmp_path: Path) -> None:
    inputs, expected = load(name)
    actual = run_tensors(MODELS / name, inputs, tmp_path, "--max-length=9")
    if name.startswith("DistilBert"):
        expected.pop("last_hidden_state", None)  # of the encoder alone
    assert actual.keys() == expected.keys()
    for output, values in expected.items():
        # Nobody reads what stands at the padding; RoBERTa's has positions of its own.
        seen = inputs["attention_mask"] != 0 if values.ndim == 3 else ...
        assert_agrees(actual[output][seen], values[seen])


def test_distilbert_without_its_head(tmp_path: Path) -> None:
    inputs, expected = load("DistilBertForSequenceClassification")
    folder = copy_model("DistilBertForSequenceClassification", tmp_path / "model", architectures=["DistilBertModel"])
    actual = run_tensors(folder, inputs, tmp_path, "--max-length=9")
    assert actual.keys() == {"last_hidden_state"}
    assert_agrees(actual["last_hidden_state"], expected["last_hidden_state"])


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel"])
def test_padding_changes_nothing(name: str, tmp_path: Path) -> None:
    """A text padded to all the positions there are has the hidden states of the text alone."""
    inputs, expected = load(name)
    positions = 24
    padded = {k: np.pad(v, ((0, 0), (0, positions - v.shape[1]))) for k, v in inputs.items()}
    actual = run_tensors(MODELS / name, padded, tmp_path)
    for item, length in enumerate(inputs["attention_mask"].sum(1)):
        assert_agrees(actual["last_hidden_state"][item, :length], expected["last_hidden_state"][item, :length])
    if "pooler_output" in expected:
        assert_agrees(actual["pooler_output"], expected["pooler_output"])


# ===----------------------------------------------------------------------===#
# Folders of sentence-transformers
# ===----------------------------------------------------------------------===#


def write_modules(folder: Path, pooling: dict[str, object], *types: str, length: int = 9) -> None:
    package = "sentence_transformers.models."
    paths = ("", "1_Pooling", "2_Normalize")
    modules = [{"idx": i, "name": str(i), "path": paths[i % 3], "type": package + name} for i, name in enumerate(types)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length, "do_lower_case": False}))


@pytest.mark.parametrize(
    ("pooling", "normalize"),
    [
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, True),
        ({"pooling_mode": "mean"}, False),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, True),
    ],
)
def test_sentence_embedding(pooling: dict[str, object], normalize: bool, tmp_path: Path) -> None:
    """The length is that of sentence_bert_config.json."""
    inputs, expected = load("BertModel")
    folder = copy_model("BertModel", tmp_path / "model")
    write_modules(folder, pooling, "Transformer", "Pooling", *["Normalize"] * normalize)
    actual = run_tensors(folder, inputs, tmp_path)
    hidden = expected["last_hidden_state"].astype(np.float64)
    mask = inputs["attention_mask"][:, :, None]
    embedding = hidden[:, 0] if pooling.get("pooling_mode_cls_token") else (hidden * mask).sum(1) / mask.sum(1)
    if normalize:
        embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    assert_agrees(actual["sentence_embedding"], embedding)
    assert_agrees(actual["last_hidden_state"], expected["last_hidden_state"])


@pytest.mark.parametrize(
    ("pooling", "types", "message"),
    [
        ({"pooling_mode": "max"}, ["Transformer", "Pooling"], "config.json: error: pooling is max; vitc imports cls"),
        ({}, ["Transformer", "Pooling"], "config.json: error: pooling is none; vitc imports cls or mean"),
        (
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
            ["Transformer", "Pooling"],
            "config.json: error: pooling is cls and mean; vitc imports cls or mean",
        ),
        (
            {"pooling_mode": "mean"},
            ["Transformer", "Pooling", "Dense"],
            "modules.json: error: lists Transformer, Pooling, Dense; vitc imports Transformer, Pooling and then",
        ),
        ({"pooling_mode": "mean"}, [], "modules.json: error: lists no modules; vitc imports Transformer, Pooling and"),
    ],
)
def test_refuses_other_modules(pooling: dict[str, object], types: list[str], message: str, tmp_path: Path) -> None:
    folder = copy_model("BertModel", tmp_path / "model")
    write_modules(folder, pooling, *types)
    assert message in error_line(VITC, "inspect", folder, code=1)


# ===----------------------------------------------------------------------===#
# Towers
# ===----------------------------------------------------------------------===#


def copy_tower(name: str, part: str, architecture: str, folder: Path) -> Path:
    """The folder of a class of one tower, with the tower's own configuration."""
    shutil.copytree(MODELS / name, folder)
    config = json.loads((folder / "config.json").read_text())[part]
    (folder / "config.json").write_text(json.dumps(config | {"architectures": [architecture]}))
    return folder


@pytest.mark.parametrize(
    ("name", "part", "architecture", "outputs"),
    [
        (
            "CLIPModel",
            "vision_config",
            "CLIPVisionModel",
            {"last_hidden_state": "vision_last_hidden_state", "pooler_output": "vision_pooler_output"},
        ),
        (
            "CLIPModel",
            "vision_config",
            "CLIPVisionModelWithProjection",
            {"image_embeds": "projected_image_embeds", "last_hidden_state": "vision_last_hidden_state"},
        ),
        (
            "CLIPModel",
            "text_config",
            "CLIPTextModel",
            {"last_hidden_state": "text_last_hidden_state", "pooler_output": "text_pooler_output"},
        ),
        (
            "CLIPModel",
            "text_config",
            "CLIPTextModelWithProjection",
            {"text_embeds": "projected_text_embeds", "last_hidden_state": "text_last_hidden_state"},
        ),
        (
            "SiglipModel",
            "vision_config",
            "SiglipVisionModel",
            {"last_hidden_state": "vision_last_hidden_state", "pooler_output": "vision_pooler_output"},
        ),
        (
            "SiglipModel",
            "text_config",
            "SiglipTextModel",
            {"last_hidden_state": "text_last_hidden_state", "pooler_output": "text_pooler_output"},
        ),
    ],
)
def test_tower_alone(name: str, part: str, architecture: str, outputs: dict[str, str], tmp_path: Path) -> None:
    inputs, expected = load(name)
    folder = copy_tower(name, part, architecture, tmp_path / "model")
    wanted = "pixel_values" if part == "vision_config" else "input_ids"
    options = [f"--max-length={inputs['input_ids'].shape[1]}"] if wanted == "input_ids" else []
    actual = run_tensors(folder, {wanted: inputs[wanted]}, tmp_path, *options)
    assert actual.keys() == outputs.keys()
    for output, reference in outputs.items():
        assert_agrees(actual[output], expected[reference])


def test_tower_without_prefix(tmp_path: Path) -> None:
    """transformers 5 stores the weights of a tower alone without the name of the tower."""
    inputs, expected = load("CLIPModel")
    folder = copy_tower("CLIPModel", "vision_config", "CLIPVisionModel", tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    prefix = "vision_model."
    save_file(
        {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)},
        folder / "model.safetensors",
    )
    actual = run_tensors(folder, {"pixel_values": inputs["pixel_values"]}, tmp_path)
    assert_agrees(actual["pooler_output"], expected["vision_pooler_output"])


@pytest.mark.parametrize("name", ["CLIP", "Siglip"])
def test_tower_classifies(name: str, tmp_path: Path) -> None:
    inputs, expected = load(f"{name}Model")
    labels = {str(i): f"l{i}" for i in range(len(expected["classifier_bias"]))}
    folder = copy_model(
        f"{name}Model", tmp_path / "model", architectures=[f"{name}ForImageClassification"], id2label=labels
    )
    weights = load_file(folder / "model.safetensors")
    weights |= {f"classifier.{part}": expected[f"classifier_{part}"] for part in ("weight", "bias")}
    save_file(weights, folder / "model.safetensors")
    actual = run_tensors(folder, {"pixel_values": inputs["pixel_values"]}, tmp_path)
    assert_agrees(actual["logits"], expected["logits"])


@pytest.mark.parametrize("name", ["CLIPModel", "SiglipModel"])
def test_ranks_texts(name: str, tmp_path: Path) -> None:
    """3 texts and 2 pictures, and either alone."""
    inputs, expected = load(name)
    program = tmp_path / "program"
    length = inputs["input_ids"].shape[1]
    run_ok(VITC, "compile", MODELS / name, NATIVE, f"--max-length={length}", "-o", program)
    actual = run_tensors(program, inputs, tmp_path, verb="")
    assert actual.keys() == {"image_embeds", "text_embeds", "logits_per_image", "logits_per_text"}
    for output in ("image_embeds", "text_embeds", "logits_per_image"):
        assert_agrees(actual[output], expected[output])
    np.testing.assert_array_equal(actual["logits_per_text"], actual["logits_per_image"].T)
    for given, output in (("pixel_values", "image_embeds"), ("input_ids", "text_embeds")):
        alone = run_tensors(program, {given: inputs[given]}, tmp_path, verb="")
        assert alone.keys() == {output}
        np.testing.assert_array_equal(alone[output], actual[output])
    error = error_line(program, "--input", f"{tmp_path}/pixel_values.npy", "--output-dir", tmp_path, code=2)
    assert "names no input; the model has 2: pixel_values, input_ids" in error


def test_clip_text_is_its_end_token(tmp_path: Path) -> None:
    """What comes behind the first end token changes nothing; in files of old versions that is the greatest number."""
    inputs, expected = load("CLIPModel")
    ids = np.pad(inputs["input_ids"], ((0, 0), (0, 3)), constant_values=7)
    actual = run_tensors(MODELS / "CLIPModel", {"input_ids": ids}, tmp_path)
    assert_agrees(actual["text_embeds"], expected["text_embeds"])
    config = json.loads((MODELS / "CLIPModel" / "config.json").read_text())
    folder = copy_model("CLIPModel", tmp_path / "model", text_config=config["text_config"] | {"eos_token_id": 2})
    actual = run_tensors(folder, {"input_ids": ids}, tmp_path)
    assert_agrees(actual["text_embeds"], expected["text_embeds"])


# ===----------------------------------------------------------------------===#
# Strings
# ===----------------------------------------------------------------------===#


def test_text_is_padded_and_masked(tmp_path: Path) -> None:
    """A program given strings has the embeddings of one compiled for exactly their tokens."""
    folder = copy_model("BertModel", tmp_path / "model")
    write_modules(folder, {"pooling_mode": "mean"}, "Transformer", "Pooling", length=20)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "sat"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    program = tmp_path / "program"
    run_ok(VITC, "compile", folder, NATIVE, "-o", program)
    run_ok(program, "--text", "The cats sat", "--text", "cat", "-o", tmp_path / "texts")
    actual = np.load(tmp_path / "texts" / "sentence_embedding.npy")
    ids = np.array([[2, 5, 6, 7, 8, 3]])
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    expected = run_tensors(folder, inputs, tmp_path, "--max-length=6")
    assert_agrees(actual[:1], expected["sentence_embedding"])


def test_ranks_strings_for_a_picture(tmp_path: Path) -> None:
    """Scores are those of the tokens and pixels as tensors, and probabilities their softmax."""
    folder = copy_model("CLIPModel", tmp_path / "model")
    letters = [chr(ord("a") + i) for i in range(24)]
    tokens = [*letters, *(f"{c}</w>" for c in letters), "ca", "<|startoftext|>", "<|endoftext|>", "cat</w>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    program = tmp_path / "program"
    run_ok(VITC, "compile", folder, NATIVE, "-o", program)
    texts = ["cat", "a dog"]
    options = [part for text in texts for part in ("--text", text)]
    (answer,) = json.loads(run_ok(program, *options, tmp_path / "picture.png", "--json"))
    scores = {entry["text"]: entry["score"] for entry in answer["texts"]}
    probabilities = {entry["text"]: entry["probability"] for entry in answer["texts"]}

    ids = np.full((2, 12), tokens.index("<|endoftext|>"))
    for row, names in zip(ids, (["cat</w>"], ["a</w>", "d", "o", "g</w>"]), strict=True):
        row[: len(names) + 1] = [tokens.index(name) for name in ("<|startoftext|>", *names)]
    mean = np.array([0.48145466, 0.4578275, 0.40821073])
    deviation = np.array([0.26862954, 0.26130258, 0.27577711])
    normalised = ((pixels / 255 - mean) / deviation).transpose(2, 0, 1)[None].astype(np.float32)
    expected = run_tensors(program, {"input_ids": ids, "pixel_values": normalised}, tmp_path, verb="")
    logits = expected["logits_per_image"][0]
    assert_agrees(np.array([scores[text] for text in texts]), logits)
    softmax = np.exp(logits) / np.exp(logits).sum()
    assert_agrees(np.array([probabilities[text] for text in texts]), softmax)

    # A batch has the same answer in a line for each picture.
    lines = tmp_path / "lines.jsonl"
    run_ok(VITC, "batch", program, *options, tmp_path / "picture.png", "-o", lines)
    (line,) = map(json.loads, lines.read_text().splitlines())
    assert line["texts"] == answer["texts"]
    needed = "--text was given and the output file is '{}'; needs one that ends in .jsonl"
    rows = tmp_path / "rows.npy"
    error = error_line(program, *options, tmp_path / "picture.png", "--output-file", rows, code=2)
    assert error.endswith(needed.format(rows))


def test_both_entries_everywhere(tmp_path: Path) -> None:
    """Python, verify, explain and the benchmark know the entry for texts, too."""
    inputs, expected = load("CLIPModel")
    library = tmp_path / "clip.so"
    run_ok(VITC, "compile", MODELS / "CLIPModel", NATIVE, "--max-length=9", "-o", library)
    with vitc.load(library, threads=1) as model:
        assert list(model.entries) == ["forward", "text"]
        assert [info.name for info in model.entries["text"].inputs] == ["input_ids"]
        assert_agrees(model.run("text", inputs["input_ids"]), expected["text_embeds"])
        assert_agrees(model(inputs["pixel_values"]), expected["image_embeds"])
        with pytest.raises(vitc.InvalidArgumentError, match="entry is 'txt'; the model has forward, text"):
            model.run("txt", inputs["input_ids"])
    assert " and 2 outputs agree with the reference" in run_ok(VITC, "verify", MODELS / "CLIPModel", NATIVE)
    error = error_line(VITC, "verify", MODELS / "CLIPModel", NATIVE, "--input", "ids=ids.npy", code=1)
    assert error.endswith("--input names 'ids'; the model has 'pixel_values' 'input_ids'")
    report = json.loads(run_ok(VITC, "explain", MODELS / "CLIPModel", NATIVE, "--json"))
    sources = {source for kernel in report["kernels"] for source in kernel["sources"]}
    assert {"visual_projection", "text_projection"} <= sources


@pytest.mark.parametrize("length", [12, 8])
def test_two_texts(length: int, tmp_path: Path) -> None:
    """[CLS] A [SEP] B [SEP] with types 0 and 1; the longer text is cut."""
    folder = copy_model("BertForSequenceClassification", tmp_path / "model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "a", "mat"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    program = tmp_path / "program"
    run_ok(VITC, "compile", folder, NATIVE, f"--max-length={length}", "-o", program)
    pair = ["--text", "the cat", "--text-pair", "sat on a mat"]
    (answer,) = json.loads(run_ok(program, *pair, "--json"))
    second = [7, 8, 9, 10][: length - 5]
    ids, types = [2, 5, 6, 3, *second, 3], [0] * 4 + [1] * (len(second) + 1)
    row = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": types}
    padded = {name: np.array([values + [0] * (length - len(ids))]) for name, values in row.items()}
    logits = run_tensors(program, padded, tmp_path, verb="")["logits"][0]
    softmax = np.exp(logits) / np.exp(logits).sum()
    actual = {item["index"]: item["probability"] for item in answer["classes"]}
    assert_agrees(np.array([actual[i] for i in range(len(softmax))]), softmax)
    error = error_line(program, *pair, "--text", "a mat", code=2)
    assert error.endswith("--text was given 2 times and --text-pair 1; needs a second text for each or none")


def test_hidden_tokens(tmp_path: Path) -> None:
    """The likeliest tokens in the place of [MASK]."""
    folder = copy_model("BertForMaskedLM", tmp_path / "model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(5, 60))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    program = tmp_path / "program"
    run_ok(VITC, "compile", folder, NATIVE, "--max-length=9", "-o", program)
    (answer,) = json.loads(run_ok(program, "--text", "word7 [MASK] word9", "--top-k=3", "--json"))
    (mask,) = answer["masks"]
    assert mask["position"] == 2
    ids = np.array([[2, 7, 4, 9, 3, 0, 0, 0, 0]])
    inputs = {"input_ids": ids, "attention_mask": np.sign(ids), "token_type_ids": np.zeros_like(ids)}
    logits = run_tensors(program, inputs, tmp_path, verb="")["logits"][0, 2]
    best = np.argsort(-logits)[:3]
    assert [item["index"] for item in mask["tokens"]] == best.tolist()
    assert [item["token"] for item in mask["tokens"]] == [words[i] for i in best]
    softmax = np.exp(logits) / np.exp(logits).sum()
    assert_agrees(np.array([item["probability"] for item in mask["tokens"]]), softmax[best])
    lines = run_ok(program, "--text", "[MASK] word9 [MASK]", "--top-k=1").splitlines()
    assert [line.rsplit(":", 1)[0] for line in lines] == [f"[MASK] word9 [MASK], token {place}" for place in (1, 3)]
    error = error_line(program, "--text", "word7", code=2)
    assert error.endswith("--text is 'word7'; needs [MASK] where a token is to be found")


# ===----------------------------------------------------------------------===#
# Errors
# ===----------------------------------------------------------------------===#


@pytest.mark.parametrize(
    ("name", "changes", "options", "message"),
    [
        ("BertModel", {}, ["--max-length=25"], "texts of 25 tokens were asked for; the model has positions for 1 to"),
        (
            "BertModel",
            {"architectures": ["BertForTokenClassification"]},
            [],
            "architecture is 'BertForTokenClassification'; vitc imports BertModel, BertForSequenceClassification and "
            "BertForMaskedLM of model_type bert",
        ),
        ("BertModel", {"hidden_act": "relu"}, [], "hidden_act = 'relu'; vitc imports gelu, gelu_new, gelu_fast"),
        ("BertModel", {"is_decoder": True}, [], "is_decoder = true; vitc imports encoders of BertModel"),
        ("BertModel", {"num_attention_heads": 5}, [], "hidden_size = 32 is not a multiple of num_attention_heads = 5"),
        ("BertModel", {"vocab_size": 61}, [], "hidden_size = 32, vocab_size = 61 needs [61, 32]"),
        ("BertModel", {"num_hidden_layers": 3}, [], "lacks 16 tensors that config.json asks for"),
        ("RobertaModel", {"vocab_size": None}, [], "hidden_size = 32, vocab_size = 50265 needs [50265, 32]"),
        ("RobertaModel", {"pad_token_id": 30}, [], "max_position_embeddings = 26; its first token has position 31"),
        (
            "DistilBertForSequenceClassification",
            {"activation": "relu"},
            [],
            "activation = 'relu'; vitc imports gelu, gelu_new, gelu_fast",
        ),
        ("DistilBertForSequenceClassification", {"n_heads": 5}, [], "dim = 32 is not a multiple of n_heads = 5"),
        ("CLIPModel", {"vision_config": 3}, [], "vision_config = 3; it needs an object"),
        ("CLIPModel", {"text_config_dict": {"hidden_size": 33}}, [], "hidden_size = 33 is not a multiple of num_"),
        ("CLIPModel", {"projection_dim": 25}, [], "hidden_size = 32, projection_dim = 25 needs [25, 32]"),
        (
            "SiglipModel",
            {"architectures": ["SiglipTextModel"]},
            [],
            "architecture is 'SiglipTextModel'; vitc imports SiglipModel and SiglipForImageClassification of",
        ),
    ],
)
def test_refuses(name: str, changes: dict[str, object], options: list[str], message: str, tmp_path: Path) -> None:
    folder = copy_model(name, tmp_path / "model", **changes)
    assert message in error_line(VITC, "compile", folder, "-o", tmp_path / "out", *options, code=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("vision_config", "vision_use_head", False, "vision_config has vision_use_head = false; a model of both"),
        ("text_config", "projection_size", 24, "text_config has projection_size = 24; vision_config needs its"),
    ],
)
def test_refuses_towers_that_do_not_meet(part: str, key: str, value: object, message: str, tmp_path: Path) -> None:
    config = json.loads((MODELS / "SiglipModel" / "config.json").read_text())
    folder = copy_model("SiglipModel", tmp_path / "model", **{part: config[part] | {key: value}})
    assert message in error_line(VITC, "inspect", folder, code=1)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (np.zeros(2, np.float32), "tensor 'logit_scale' has dtype F32 and shape [2]; vitc needs one number"),
        (np.float32([np.inf]), "#vit.ranking has scale = "),
        (None, "lacks 1 tensor that config.json asks for: 'logit_scale'"),
    ],
)
def test_refuses_a_scale(scale: np.ndarray | None, message: str, tmp_path: Path) -> None:
    folder = copy_model("CLIPModel", tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["logit_scale"]
    if scale is not None:
        weights["logit_scale"] = scale
    save_file(weights, folder / "model.safetensors")
    assert message in error_line(VITC, "inspect", folder, code=1)
