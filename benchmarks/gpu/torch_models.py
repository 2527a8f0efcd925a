# ===- torch_models.py - The timed models in PyTorch -----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Vision transformers as PyTorch runs them best: one product for queries, keys and values, and its fused attention.

Source: Dosovitskiy et al. 2021; Swin is torchvision's.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

IMAGE, PATCH, CLASSES = 224, 16, 1000
# Width, depth, heads.
SIZES = {"vit-b": (768, 12, 12), "vit-l": (1024, 24, 16)}


class Block(nn.Module):
    """[B, N, E] -> [B, N, E]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    """[B, 3, 224, 224] -> [B, 1000]."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, (IMAGE // PATCH) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def build(name: str) -> nn.Module:
    """Raises ImportError: swin-t needs torchvision, which is not installed."""
    torch.manual_seed(0)
    if name in SIZES:
        return VisionTransformer(*SIZES[name]).eval()
    from torchvision.models import swin_t

    return swin_t(weights=None).eval()
