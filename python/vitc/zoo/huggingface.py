# ===- huggingface.py - Zoo models as Hugging Face folders -----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes a model of the zoo as `save_pretrained` of transformers would."""

from __future__ import annotations

import json
import pathlib

from vitc.zoo.models import Model, Swin, Vit
from vitc.zoo.weights import weights

VIT_EPS = 1e-6
_CLASSES = {
    "vit": ("vit", "ViTForImageClassification"),
    "distilled": ("deit", "DeiTForImageClassificationWithTeacher"),
    "beit": ("beit", "BeitForImageClassification"),
    "dinov2": ("dinov2", "Dinov2ForImageClassification"),
    "dinov2-reg": ("dinov2_with_registers", "Dinov2WithRegistersForImageClassification"),
}


def _vit_config(model: Vit) -> dict[str, object]:
    own_pool = model.kind in ("beit", "dinov2", "dinov2-reg")
    if model.kind not in _CLASSES:
        raise ValueError(f"a {model.kind} is no class of transformers; write it with --onnx")
    if (model.pool != "cls" and not own_pool) or model.head_layers != 1:
        raise ValueError(
            f"pool = {model.pool} and head-layers = {model.head_layers} are in no class of transformers; "
            "a Hugging Face folder needs pool=cls and head-layers=1"
        )
    model_type, architecture = _CLASSES[model.kind]
    config = {
        "architectures": [architecture],
        "model_type": model_type,
        "hidden_size": model.dim,
        "num_hidden_layers": model.depth,
        "num_attention_heads": model.heads,
        "intermediate_size": model.hidden,
        "hidden_act": "gelu",
        "layer_norm_eps": VIT_EPS,
        "patch_size": model.patch,
        "qkv_bias": True,
    }
    if model.kind == "beit":
        config |= {"use_relative_position_bias": True, "use_mean_pooling": True, "layer_scale_init_value": 0.1}
    if model.kind.startswith("dinov2"):
        if model.hidden % model.dim:
            raise ValueError(f"hidden = {model.hidden} is not a multiple of dim = {model.dim}, as DINOv2 needs")
        config |= {"mlp_ratio": model.hidden // model.dim}
    if model.registers:
        config |= {"num_register_tokens": model.registers}
    return config


def _swin_config(model: Swin) -> dict[str, object]:
    return {
        "architectures": ["Swinv2ForImageClassification" if model.v2 else "SwinForImageClassification"],
        "model_type": "swinv2" if model.v2 else "swin",
        "embed_dim": model.dim,
        "depths": model.depths,
        "num_heads": model.heads,
        "window_size": model.window,
        "mlp_ratio": model.mlp,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "patch_size": model.patch,
        "qkv_bias": True,
    }


def write_huggingface(model: Model, folder: pathlib.Path) -> None:
    """Writes config.json, model.safetensors and preprocessor_config.json.

    Raises:
        ValueError: the model has a part that no class of transformers has.
    """
    from safetensors.numpy import save_file

    if isinstance(model, Vit):
        config = _vit_config(model)
    elif isinstance(model, Swin):
        config = _swin_config(model)
    else:
        raise ValueError("a Linformer is no class of transformers; write it with --onnx")
    labels = {str(i): f"LABEL_{i}" for i in range(model.classes)}
    config |= {
        "image_size": model.image,
        "num_channels": model.channels,
        "id2label": labels,
        "label2id": {label: int(i) for i, label in labels.items()},
    }
    preprocessor = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": model.image, "width": model.image},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * model.channels,
        "image_std": [0.5] * model.channels,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    save_file(weights(model), folder / "model.safetensors", metadata={"format": "pt"})
