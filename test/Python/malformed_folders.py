# ===- malformed_folders.py - Broken and hostile model folders -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Folders of config.json and .safetensors that must be refused, by name.

Each function takes a folder, writes files there, and returns the command line behind `vitc inspect` and what the one
error line says.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

from harness import SIGNDIGITS

Case = Callable[[Path], tuple[list, str]]

# ===----------------------------------------------------------------------===#
# .safetensors
# ===----------------------------------------------------------------------===#

SAFETENSORS: dict[str, Case] = {}


def copy_model(folder: Path) -> Path:
    return Path(shutil.copytree(SIGNDIGITS / "model", folder / "model"))


def safetensors(folder: Path, header: object, data: bytes = b"", length: int | None = None) -> list:
    """The example's folder with another model.safetensors."""
    model = copy_model(folder)
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    prefix = struct.pack("<Q", len(content) if length is None else length)
    (model / "model.safetensors").write_bytes(prefix + content + data)
    return [model]


def entry(begin: int, end: int, shape: tuple = (2,), dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def header_case(message: str, header: object, data: bytes = b"", length: int | None = None) -> Case:
    return lambda folder: (safetensors(folder, header, data, length), message)


SAFETENSORS |= {
    "empty": lambda folder: (safetensors(folder, b"", length=0), "header"),
    "header_of_2_to_63_bytes": header_case("header length is", b"{}", length=1 << 63),
    "header_longer_than_the_file": header_case("header length is 1000", b"{}", length=1000),
    "header_is_not_json": header_case("is not JSON", b"{]"),
    "header_is_a_list": header_case("is not a JSON object", []),
    "header_is_not_utf8": header_case("is not JSON", b'{"\xff\xfe": 1}'),
    "header_100000_deep": header_case("nests deeper than 64", b"[" * 100_000),
    "entry_is_a_number": header_case("tensor 'a' needs dtype, shape and two data_offsets", {"a": 1}),
    "entry_has_no_shape": header_case(
        "tensor 'a' needs dtype", {"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)
    ),
    "offsets_past_the_end": header_case("tensor 'a' has data_offsets outside", {"a": entry(0, 800)}, bytes(8)),
    "offsets_backwards": header_case("tensor 'a' has data_offsets outside", {"a": entry(8, 0)}, bytes(8)),
    "offsets_negative": header_case("tensor 'a' has data_offsets outside", {"a": entry(-8, 0)}, bytes(8)),
    "offsets_of_2_to_64": header_case("tensor 'a'", {"a": entry(1 << 64, (1 << 64) + 8)}, bytes(8)),
    "tensors_overlap": header_case("begins at data offset 4", {"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
    "hole_between_tensors": header_case("begins at data offset 12", {"a": entry(0, 8), "b": entry(12, 20)}, bytes(20)),
    "bytes_behind_the_last": header_case("tensors end at byte", {"a": entry(0, 8)}, bytes(12)),
    "shape_overflows": header_case("tensor 'a'", {"a": entry(0, 8, (1 << 40, 1 << 40))}, bytes(8)),
    "shape_is_negative": header_case("tensor 'a' has a shape", {"a": entry(0, 8, (-2, -1))}, bytes(8)),
    "shape_of_10_to_the_9": header_case("tensor 'a' has 8 bytes", {"a": entry(0, 8, (1000, 1000, 1000))}, bytes(8)),
    "shape_is_text": header_case("tensor 'a' has a shape", {"a": entry(0, 8, ("2",))}, bytes(8)),
    "dtype_is_unknown": header_case("tensor 'a' has dtype 'Q9'", {"a": entry(0, 8, dtype="Q9")}, bytes(8)),
}


def index_case(message: str, weight_map: object) -> Case:
    """The example's folder with an index in the place of model.safetensors."""

    def case(folder: Path) -> tuple[list, str]:
        model = copy_model(folder)
        (model / "model.safetensors").rename(model / "part.safetensors")
        (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
        return [model], message

    return case


SAFETENSORS |= {
    "index_is_a_list": index_case("has no weight_map", []),
    "index_leaves_the_folder": index_case("needs the name of a file in the folder", {"a": "../part.safetensors"}),
    "index_names_no_file": index_case("absent.safetensors", {"a": "absent.safetensors"}),
    "index_names_no_tensor": index_case("tensor 'a' is not in part.safetensors", {"a": "part.safetensors"}),
    "index_names_a_number": index_case("tensor 'a' needs the name of a file", {"a": 7}),
}

# ===----------------------------------------------------------------------===#
# config.json
# ===----------------------------------------------------------------------===#

CONFIG: dict[str, Case] = {}


def config_case(message: str, **changes: object) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        path = copy_model(folder) / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return [path.parent], message

    return case


def config_text(message: str, text: bytes) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        path = copy_model(folder) / "config.json"
        path.write_bytes(text)
        return [path.parent], message

    return case


CONFIG |= {
    "is_empty": config_text("is not JSON", b""),
    "is_cut_off": config_text("is not JSON", b'{"model_type": "vit", "hidden'),
    "is_binary": config_text("is not JSON", bytes(range(256))),
    "is_a_list": config_text("is not a JSON object", b"[]"),
    "nests_100000_deep": config_text("nests deeper than 64", b'{"a":' * 100_000),
    "hidden_size_is_text": config_case("hidden_size = ", hidden_size="128"),
    "hidden_size_is_negative": config_case("hidden_size = -128", hidden_size=-128),
    "hidden_size_is_a_fraction": config_case("hidden_size = 128.5", hidden_size=128.5),
    "hidden_size_is_10_to_the_18": config_case("hidden_size = ", hidden_size=10**18),
    "layers_are_10_to_the_12": config_case("num_hidden_layers = ", num_hidden_layers=10**12),
    "heads_are_0": config_case("num_attention_heads = 0", num_attention_heads=0),
    "heads_do_not_divide": config_case("is not a multiple of num_attention_heads = 5", num_attention_heads=5),
    "patch_is_larger_than_the_image": config_case("patch_size", patch_size=4096),
    "image_is_of_10_to_the_9_pixels": config_case("image_size = ", image_size=[10**9, 10**9]),
    "activation_is_unknown": config_case("hidden_act = ", hidden_act="cosine"),
    "labels_have_a_gap": config_case("id2label has ", id2label={"0": "a", "2": "c"}),
    "labels_are_numbers": config_case("id2label has ", id2label={"0": 0}),
    "epsilon_is_text": config_case("layer_norm_eps = ", layer_norm_eps="small"),
    "model_type_is_unknown": config_case("model_type = 'perceiver'", model_type="perceiver"),
    "model_type_is_a_list": config_case("model_type = ", model_type=["vit"]),
}

# ===----------------------------------------------------------------------===#
# vitc.json
# ===----------------------------------------------------------------------===#


def manifest_case(message: str, **manifest: object) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        (folder / "vitc.json").write_text(json.dumps(manifest))
        return [folder], message

    return case


MANIFEST: dict[str, Case] = {
    "encoder_leaves_the_folder": manifest_case(
        "encoder = '../encoder.onnx'; it needs a path inside of the model's folder", encoder="../encoder.onnx"
    ),
    "words_leave_the_folder": manifest_case("words = 'a/../../b'; it needs a path inside of", words="a/../../b"),
    "characters_leave_the_machine": manifest_case("characters = '/dev/zero'; it needs a path", characters="/dev/zero"),
    "encoder_is_a_number": manifest_case("encoder = 3; it needs a string", encoder=3),
    "step_is_absent": manifest_case("has no step; it needs an ONNX file's name", end=1),
}
