# ===- models.py - The models of the benchmarks as ONNX --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the models of the benchmarks, with seeded random weights, as PyTorch exports them to ONNX.

    python benchmarks/models.py FOLDER [NAME...]

Beside each NAME.onnx stands NAME.npz with the inputs x0, ... and PyTorch's outputs y0, ..., for accuracy.py. Needs the
packages torch and timm; linformer_2048 also vit-pytorch and linformer.

Exit codes: 0 done, 1 a package is missing or a file cannot be written, 2 bad command line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

OPSET = 17


def build_timm(name: str, size: int, **options):
    import timm
    import torch

    return timm.create_model(name, pretrained=False, **options).eval(), torch.randn(1, 3, size, size)


def build_segmenter():
    """ViT-S/16 at 512 x 512 with a linear head on its patches, enlarged to pixels (Strudel et al. 2021)."""
    import torch
    from torch import nn

    class Segmenter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, _ = build_timm("vit_small_patch16_384", 512, img_size=512, num_classes=0)
            self.head = nn.Conv2d(384, 21, 1)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            patches = self.encoder.forward_features(pixels)[:, 1:]
            grid = patches.transpose(1, 2).reshape(1, 384, 32, 32)
            return nn.functional.interpolate(self.head(grid), scale_factor=16, mode="bilinear", align_corners=False)

    return Segmenter().eval(), torch.randn(1, 3, 512, 512)


def build_linformer():
    """The README's example of vit-pytorch's efficient ViT: 2048 x 2048 pixels in patches of 32, 4097 tokens, k 256."""
    import torch
    from linformer import Linformer
    from vit_pytorch.efficient import ViT

    transformer = Linformer(dim=512, seq_len=4097, depth=12, heads=8, k=256)
    model = ViT(image_size=2048, patch_size=32, num_classes=1000, dim=512, transformer=transformer)
    return model.eval(), torch.randn(1, 3, 2048, 2048)


def build_translator():
    """The base Transformer of Vaswani et al. 2017, 64 tokens of the target at once: 2 x [1, 64] -> [1, 64, V]."""
    import torch
    from torch import nn

    vocabulary, width, tokens = 8000, 512, 64
    layer = {"d_model": width, "nhead": 8, "dim_feedforward": 2048, "dropout": 0.0, "batch_first": True}

    class Translator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(vocabulary, width), nn.Embedding(vocabulary, width)
            self.encoder = nn.ModuleList([nn.TransformerEncoderLayer(**layer) for _ in range(6)])
            self.decoder = nn.ModuleList([nn.TransformerDecoderLayer(**layer) for _ in range(6)])
            self.output = nn.Linear(width, vocabulary)
            rates = torch.pow(10000.0, -torch.arange(0, width, 2) / width)
            angles = torch.arange(tokens)[:, None] * rates
            self.register_buffer("sines", torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1))

        def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            memory = self.source(source) * width**0.5 + self.sines
            for block in self.encoder:
                memory = block(memory)
            x = self.target(target) * width**0.5 + self.sines
            mask = torch.triu(torch.full((tokens, tokens), float("-inf")), 1)
            for block in self.decoder:
                x = block(x, memory, tgt_mask=mask)
            return torch.softmax(self.output(x), -1)

    ids = [torch.randint(0, vocabulary, (1, tokens)) for _ in range(2)]
    return Translator().eval(), *ids


def build_captioner():
    """A CNN, a visual attention layer and a GRU, greedy, 16 words unrolled: [1, 3, 224, 224] -> words, attention."""
    import torch
    from torch import nn

    words, vocabulary, width, keys = 16, 5000, 512, 256

    class Captioner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            channels = [3, 64, 128, 256, 512, width]
            stages = [
                nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU())
                for before, after in zip(channels, channels[1:])
            ]
            self.features = nn.Sequential(*stages)
            self.key, self.value, self.query = nn.Linear(width, keys), nn.Linear(width, width), nn.Linear(width, keys)
            self.embedding, self.cell = nn.Embedding(vocabulary, width), nn.GRUCell(2 * width, width)
            self.output = nn.Linear(width, vocabulary)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            places = self.features(pixels).flatten(2).transpose(1, 2)
            key, value = self.key(places), self.value(places)
            hidden = places.mean(1)
            word = torch.zeros(pixels.shape[0], dtype=torch.long)
            chosen, maps = [], []
            for _ in range(words):
                weights = torch.softmax(self.query(hidden).unsqueeze(1) @ key.transpose(1, 2), -1)
                seen = (weights @ value).squeeze(1)
                hidden = self.cell(torch.cat([self.embedding(word), seen], -1), hidden)
                word = self.output(hidden).argmax(-1)
                chosen.append(word)
                maps.append(weights.squeeze(1))
            return torch.stack(chosen, 1), torch.stack(maps, 1)

    return Captioner().eval(), torch.randn(1, 3, 224, 224)


MODELS = {
    "vit_b16": lambda: build_timm("vit_base_patch16_224", 224),
    "vit_ti16": lambda: build_timm("vit_tiny_patch16_224", 224),
    "swin_t": lambda: build_timm("swin_tiny_patch4_window7_224", 224),
    "hybrid_r26_s": lambda: build_timm("vit_small_r26_s32_224", 224),
    "segment_512": build_segmenter,
    "vit_b16_384": lambda: build_timm("vit_base_patch16_384", 384),
    "linformer_2048": build_linformer,
    "seq2seq": build_translator,
    "caption": build_captioner,
}


def write(name: str, folder: Path) -> None:
    import torch

    torch.manual_seed(0)
    # The fused path of torch.nn.MultiheadAttention has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    model, *inputs = MODELS[name]()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    names = [f"x{number}" for number in range(len(inputs))]
    with torch.no_grad():
        expected = model(*inputs)
        torch.onnx.export(model, tuple(inputs), str(path), opset_version=OPSET, dynamo=False, input_names=names)
    outputs = expected if isinstance(expected, tuple) else (expected,)
    arrays = {source: value.numpy() for source, value in zip(names, inputs)}
    arrays |= {f"y{number}": value.numpy() for number, value in enumerate(outputs)}
    np.savez(path.with_suffix(".npz"), **arrays)
    shapes = [", ".join(str(tuple(value.shape)) for value in values) for values in (inputs, outputs)]
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {shapes[0]} -> {shapes[1]}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)} (default: all)")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in MODELS:
            parser.error(f"no model is named '{name}'; there are {', '.join(MODELS)}")
    try:
        for name in options.names or MODELS:
            write(name, options.folder)
    except ImportError as error:
        print(f"models.py: error: the Python package {error.name} is not installed; it is needed", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"models.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
