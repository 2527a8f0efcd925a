# ===- malformed_models.py - Broken folders of many architectures ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Models that miss a weight, preprocessing, timm folders and IR that must be refused, by name.

Each function takes a folder, writes files there, and returns the command line behind `vitc inspect` and what the one
error line says.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm_folders
from malformed_folders import copy_model
from safetensors.numpy import load_file, save_file

Case = Callable[[Path], tuple[list, str]]
DATA = Path(__file__).parent / "data"

# ===----------------------------------------------------------------------===#
# Weights and configurations
# ===----------------------------------------------------------------------===#

# A folder of data/, and what of it is damaged: a weight, or members of config.json.
FOLDERS = {
    "DINOv3ViTModel": "dense_models",
    "DetrForObjectDetection": "dense_models",
    "SegformerForSemanticSegmentation": "dense_models",
    "Swin2SRForImageSuperResolution": "dense_models",
    "ViTMAEForPreTraining": "dense_models",
    "YolosForObjectDetection": "dense_models",
    "BertModel": "text_models",
    "MPNetModel": "text_models",
    "ViT-TrOCR-sines": "generation",
    "CLIPModel": "text_models",
    "DistilBertForSequenceClassification": "text_models",
    "RobertaModel": "text_models",
    "SiglipModel": "text_models",
    "ViTHybridForImageClassification": "models",
}


def copy_folder(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(DATA / FOLDERS[name] / name, folder / "model"))


def longest_name(weights: dict[str, np.ndarray]) -> str:
    """One of a layer deep inside."""
    return max(sorted(name for name in weights if name.endswith(".weight")), key=len)


def missing_weight(name: str) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        model = copy_folder(name, folder)
        weights = load_file(model / "model.safetensors")
        lost = longest_name(weights)
        del weights[lost]
        save_file(weights, model / "model.safetensors")
        return [model], f"'{lost}'"

    return case


def reshaped_weight(name: str) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        model = copy_folder(name, folder)
        weights = load_file(model / "model.safetensors")
        changed = longest_name(weights)
        weights[changed] = np.zeros((*weights[changed].shape, 1), np.float32)
        save_file(weights, model / "model.safetensors")
        return [model], f"tensor '{changed}' has shape {list(weights[changed].shape)}; "

    return case


WEIGHTS: dict[str, Case] = {
    **{f"missing_of_{name}": missing_weight(name) for name in FOLDERS},
    **{f"reshaped_of_{name}": reshaped_weight(name) for name in FOLDERS},
}

CONFIG: dict[str, Case] = {}


def config_case(message: str, name: str, **changes: object) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        path = copy_folder(name, folder) / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return [path.parent], message

    return case


def decoder_case(message: str, name: str, **changes: object) -> Case:
    config = json.loads((DATA / FOLDERS[name] / name / "config.json").read_text())
    return config_case(message, name, decoder=config["decoder"] | changes)


CONFIG |= {
    "clip_without_texts": config_case("text_config = 7; it needs an object", "CLIPModel", text_config=7),
    "clip_without_pictures": config_case('vision_config = "vit"; it needs an object', "CLIPModel", vision_config="vit"),
    "clip_projects_to_0": config_case("projection_dim = 0; it needs an integer", "CLIPModel", projection_dim=0),
    "siglip_without_texts": config_case("text_config = []; it needs an object", "SiglipModel", text_config=[]),
    "bert_heads_do_not_divide": config_case(
        "hidden_size = 32 is not a multiple of num_attention_heads = 5", "BertModel", num_attention_heads=5
    ),
    "bert_of_10_to_the_12_tokens": config_case("vocab_size = 1000000000000", "BertModel", vocab_size=10**12),
    "bert_without_positions": config_case("max_position_embeddings = 0", "BertModel", max_position_embeddings=0),
    "bert_is_a_decoder": config_case(
        "is_decoder = true; vitc imports encoders of BertModel", "BertModel", is_decoder=True
    ),
    "bert_has_another_activation": config_case("hidden_act = 'swish'; vitc imports", "BertModel", hidden_act="swish"),
    "roberta_pads_with_the_last_token": config_case(
        "max_position_embeddings = 26; its first token has position 1001", "RobertaModel", pad_token_id=1000
    ),
    "mpnet_has_more_buckets_than_distances": config_case(
        "the largest distance = 128; it needs to be more than a quarter of relative_attention_num_buckets = 65536",
        "MPNetModel",
        relative_attention_num_buckets=65536,
    ),
    "trocr_has_positions_of_one_angle": decoder_case(
        "d_model = 2; positions of sines and cosines need more", "ViT-TrOCR-sines", d_model=2, decoder_attention_heads=1
    ),
    "trocr_attends_to_nothing": decoder_case(
        "cross_attention_hidden_size = 0; it needs an integer", "ViT-TrOCR-sines", cross_attention_hidden_size=0
    ),
    "detr_has_no_layers": config_case("encoder_layers = 0", "DetrForObjectDetection", encoder_layers=0),
    "detr_has_a_backbone_of_text": config_case(
        'backbone_config = "resnet"; it needs an object', "DetrForObjectDetection", backbone_config="resnet"
    ),
    "segformer_has_strides_of_0": config_case(
        "strides = [0,0]; it needs a list", "SegformerForSemanticSegmentation", strides=[0, 0]
    ),
    "segformer_has_no_stages": config_case(
        "num_encoder_blocks = 0", "SegformerForSemanticSegmentation", num_encoder_blocks=0
    ),
    "swin2sr_scales_by_0": config_case("upscale = 0; it needs an integer", "Swin2SRForImageSuperResolution", upscale=0),
    "swin2sr_has_windows_of_0": config_case("window_size = 0", "Swin2SRForImageSuperResolution", window_size=0),
    "mae_hides_all": config_case("leaves none of 16 patches to the encoder", "ViTMAEForPreTraining", mask_ratio=1.5),
    "mae_hides_less_than_none": config_case(
        "mask_ratio = -0.5; it needs a number that is not negative", "ViTMAEForPreTraining", mask_ratio=-0.5
    ),
    "yolos_has_a_negative_number_of_tokens": config_case(
        "num_detection_tokens = -1", "YolosForObjectDetection", num_detection_tokens=-1
    ),
    "dinov3_has_no_registers_of_text": config_case(
        'num_register_tokens = "four"', "DINOv3ViTModel", num_register_tokens="four"
    ),
}

# ===----------------------------------------------------------------------===#
# preprocessor_config.json
# ===----------------------------------------------------------------------===#

PREPROCESSOR: dict[str, Case] = {}


def preprocessor_text(message: str, text: bytes) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        model = copy_model(folder)
        (model / "preprocessor_config.json").write_bytes(text)
        return [model], message

    return case


def preprocessor_case(message: str, **changes: object) -> Case:
    """For pictures of the example's size."""
    return preprocessor_text(message, json.dumps({"size": {"height": 64, "width": 64}} | changes).encode())


PREPROCESSOR |= {
    "is_empty": preprocessor_text("preprocessor_config.json: error: content is not JSON", b""),
    "is_cut_off": preprocessor_text("preprocessor_config.json: error: content is not JSON", b'{"size": {"hei'),
    "is_a_list": preprocessor_text("content is not a JSON object", b"[1, 2]"),
    "class_is_unknown": preprocessor_case(
        "image_processor_type = 'AudioProcessor'; vitc imports", image_processor_type="AudioProcessor"
    ),
    "size_is_0": preprocessor_case("height = 0; it needs", size={"height": 0, "width": 64}),
    "size_is_negative": preprocessor_case("height = -64; it needs", size={"height": -64, "width": 64}),
    "size_is_10_to_the_12": preprocessor_case("width = 1000000000000; it needs", size={"height": 64, "width": 10**12}),
    "size_is_text": preprocessor_case('size = "large"; it needs', size="large"),
    "mean_of_two_channels": preprocessor_case("image_mean = [0.5,0.5]; it needs 3 numbers", image_mean=[0.5, 0.5]),
    "mean_is_text": preprocessor_case("it needs 3 numbers, one for each channel", image_mean=["a", "b", "c"]),
    "deviation_is_0": preprocessor_case(
        "image_std = [0.5,0,0.5]; it needs 3 positive numbers", image_std=[0.5, 0, 0.5]
    ),
    "filter_is_unknown": preprocessor_case("resample = 77; it needs PIL's number", resample=77),
    "flag_is_a_number": preprocessor_case("do_resize = 3; it needs true or false", do_resize=3),
    "factor_is_text": preprocessor_case('rescale_factor = "1/255"; it needs a number', rescale_factor="1/255"),
}

# ===----------------------------------------------------------------------===#
# timm
# ===----------------------------------------------------------------------===#

TIMM: dict[str, Case] = {}


def timm_case(message: str, **changes: object) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        architecture = "vit_tiny_patch16_224"
        config = timm_folders.make_config(architecture) | changes
        timm_folders.write_folder(folder / "model", config, timm_folders.make_weights(architecture))
        return [folder / "model"], message

    return case


TIMM |= {
    "architecture_is_a_number": timm_case("architecture = 7; it needs a string", architecture=7),
    "architecture_is_empty": timm_case("architecture = '', which vitc does not know", architecture=""),
    "arguments_are_a_list": timm_case('model_args = ["img_size"]; it needs an object', model_args=["img_size"]),
    "argument_is_unknown": timm_case("model_args has rotary = true; vitc reads", model_args={"rotary": True}),
    "heads_do_not_divide": timm_case("embed_dim = 48 is not a multiple of num_heads = 5", model_args={"num_heads": 5}),
    "heads_are_0": timm_case("num_heads = 0", model_args={"num_heads": 0}),
    "size_is_0": timm_case("img_size = 0; it needs", model_args={"img_size": 0}),
    "size_is_another": timm_case("img_size = 999x999 is not a multiple", model_args={"img_size": 999}),
    "pooling_is_unknown": timm_case("global_pool = 'median'; vitc imports", model_args={"global_pool": "median"}),
    "input_size_of_two": timm_case("input_size = [32,32]; it needs 3 numbers", pretrained_cfg={"input_size": [32, 32]}),
    "input_size_is_text": timm_case('input_size = "3x32x32"', pretrained_cfg={"input_size": "3x32x32"}),
    "crop_is_0": timm_case("crop_pct = 0.000000; it needs", pretrained_cfg={"input_size": [3, 32, 32], "crop_pct": 0}),
    "mean_of_one_channel": timm_case(
        "mean = [0.5]; it needs 3 numbers", pretrained_cfg={"input_size": [3, 32, 32], "mean": [0.5]}
    ),
    "labels_are_numbers": timm_case("label_names = [1,2,3,4,5]; it needs 5 strings", label_names=[1, 2, 3, 4, 5]),
}

# ===----------------------------------------------------------------------===#
# .mlir
# ===----------------------------------------------------------------------===#

IR: dict[str, Case] = {}


def ir_case(message: str, text: str | bytes) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        path = folder / "model.mlir"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [path], message

    return case


IR |= {
    "empty": ir_case("the module has no function @forward", ""),
    "cut_off": ir_case(
        "model.mlir:2:34: error: expected non-function type", "module {\n  func.func @forward(%x: tensor<4x"
    ),
    "binary": ir_case("model.mlir:1:2: error: unexpected character", bytes(range(256))),
    "unknown_op": ir_case("custom op 'vit.telepathy' is unknown", "func.func @forward() {\n  vit.telepathy\n}\n"),
    "unknown_dialect": ir_case("Dialect `spirit' not found", "func.func @forward() {\n  spirit.level\n}\n"),
    "no_entry": ir_case("the module has no function @forward", "func.func @backward() {\n  return\n}\n"),
    "nests_10000_deep": ir_case("levels of brackets; vitc reads at most 256", "module {" * 10_000),
    "wrong_types": ir_case(
        "doesn't match function result type",
        "func.func @forward(%x: tensor<4x8xf32>) -> tensor<4x9xf32> {\n  return %x : tensor<4x8xf32>\n}\n",
    ),
    "weight_of_no_file": ir_case(
        "@nowhere",
        "vit.weight @w : tensor<4xf32> file(@nowhere offset 0)\n"
        "func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {\n  return %x : tensor<4xf32>\n}\n",
    ),
}
