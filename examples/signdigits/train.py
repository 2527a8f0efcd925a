# ===- train.py - Train a Swin and a Linformer on the digits' photos ------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Trains one of the example models and writes what vitc imports, with PyTorch's answers beside it.

    python train.py swin photos.npz swin
    python train.py linformer photos.npz linformer

photos.npz holds the photos of the Sign Language Digits Dataset at 64 x 64 (Pillow, bilinear): x_train and x_test, uint8
[N, 64, 64, 3], y_train and y_test, integers [N]. The folder gets the model and expected.npz, computed from the stored
weights: logits, float32 [N, 10], and right, bool [N], of x_test. The test photos have no part in training.

Needs torch, timm, vit-pytorch, linformer, onnx and onnxscript. Takes about 10 minutes on one quiet core.
"""

from __future__ import annotations

import argparse
import math
import pathlib
import time

import numpy as np
import timm
import torch
from linformer import Linformer
from torch import nn
from torch.nn import functional
from vit_pytorch.efficient import ViT

LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
IMAGE_SIZE = 64
SWIN = "swin_tiny_patch4_window7_224"
# Maps of 16 x 16, 8 x 8 and 4 x 4 in windows of 4 x 4: the second block of the first two stages is shifted.
SWIN_ARGS = {
    "img_size": IMAGE_SIZE,
    "window_size": 4,
    "embed_dim": 48,
    "depths": [2, 2, 2],
    "num_heads": [3, 6, 12],
}
LINFORMER_PATCH, LINFORMER_DIM, LINFORMER_DEPTH, LINFORMER_HEADS, LINFORMER_KEYS = 4, 64, 3, 4, 32


def make_swin() -> nn.Module:
    preprocessing = {
        "input_size": (3, IMAGE_SIZE, IMAGE_SIZE),
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "license": "apache-2.0",  # as the photos'
        "tag": "",
    }
    model = timm.create_model(SWIN, num_classes=len(LABELS), pretrained_cfg_overlay=preprocessing, **SWIN_ARGS)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)  # timm's deviation of 0.02 is for wider layers
    return model


def make_linformer() -> nn.Module:
    tokens = (IMAGE_SIZE // LINFORMER_PATCH) ** 2 + 1  # and the class token
    encoder = Linformer(LINFORMER_DIM, tokens, LINFORMER_DEPTH, k=LINFORMER_KEYS, heads=LINFORMER_HEADS, dropout=0.1)
    return ViT(
        image_size=IMAGE_SIZE,
        patch_size=LINFORMER_PATCH,
        num_classes=len(LABELS),
        dim=LINFORMER_DIM,
        transformer=encoder,
        pool="mean",
    )


def save_swin(model: nn.Module, folder: pathlib.Path) -> None:
    """A folder as timm writes it, in f16; `model` gets the rounded weights."""
    model.half()
    timm.models.save_for_hf(
        model, str(folder), model_config={"label_names": LABELS}, model_args=SWIN_ARGS, safe_serialization=True
    )
    model.float()


def save_linformer(model: nn.Module, folder: pathlib.Path) -> None:
    """ONNX of any batch, for no configuration file describes a Linformer."""
    program = torch.onnx.export(
        model,
        (torch.zeros(2, 3, IMAGE_SIZE, IMAGE_SIZE),),
        input_names=["pixel_values"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    for node in program.model.graph:
        node.metadata_props.pop("pkg.torch.onnx.stack_trace", None)  # paths of this machine
    program.save(folder / "linformer.onnx", external_data=False)


MODELS = {"swin": (make_swin, save_swin), "linformer": (make_linformer, save_linformer)}


def normalise(photos: np.ndarray) -> torch.Tensor:
    """uint8 [N, H, W, 3] to float32 [N, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(photos).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.5).contiguous()


def augment(pixels: torch.Tensor) -> torch.Tensor:
    """Turned by up to 20 degrees, moved and scaled by up to 15 %, in another light."""
    count = len(pixels)

    def spread(limit: float, *shape: int) -> torch.Tensor:
        return (torch.rand(count, *shape) * 2 - 1) * limit

    angle, scale = spread(math.radians(20)), 1 + spread(0.15)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(count, 2, 2)
    affine = torch.cat([rotation * scale.view(count, 1, 1), spread(0.15, 2, 1)], 2)
    grid = functional.affine_grid(affine, list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    return moved * (1 + spread(0.3, 1, 1, 1)) + spread(0.3, 3, 1, 1)


def train(model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, options: argparse.Namespace) -> None:
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}])
    steps = math.ceil(len(pixels) / options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, options.epochs * steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    model.train()
    for epoch in range(options.epochs):
        start, total = time.monotonic(), 0.0
        for rows in torch.randperm(len(pixels)).split(options.batch):
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(augment(pixels[rows]))
            loss = loss_of(logits.float(), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch + 1}: loss {total / len(pixels):.3f}, {time.monotonic() - start:.1f} s", flush=True)
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("photos", type=pathlib.Path, help="the .npz")
    parser.add_argument("folder", type=pathlib.Path, help="is written")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest learning rate")
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(1)
    make, save = MODELS[options.model]
    with np.load(options.photos) as photos:
        pixels, held_out = normalise(photos["x_train"]), normalise(photos["x_test"])
        labels, answers = torch.from_numpy(photos["y_train"]), torch.from_numpy(photos["y_test"])
    model = make()
    train(model, pixels, labels, options)
    options.folder.mkdir(parents=True, exist_ok=True)
    save(model, options.folder)
    with torch.no_grad():
        logits = model(held_out)
    right = logits.argmax(1) == answers
    np.savez_compressed(options.folder / "expected.npz", logits=logits.numpy(), right=right.numpy())
    print(f"{right.sum()} of {len(right)} held-out photos are right")


if __name__ == "__main__":
    main()
