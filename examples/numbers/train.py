# ===- train.py - Train a Transformer that spells out numbers -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Trains an encoder-decoder of 6 + 6 layers to write numbers below a million in English words.

    python train.py model

"40217" becomes "forty thousand two hundred seventeen". The model is that of Vaswani et al. 2017 with sinusoidal
positions, as Marian and the opus-mt translators are: the folder is what transformers' save_pretrained writes of a
MarianMTModel, with sentencepiece models for both sides. Weights are stored in f16. One number of sixteen, by its
hash, is held out. expected.npz gets the tokens that transformers' generate() gives for some 400 of those, greedily
and with 4 beams, and how many are right.

Needs torch, transformers and sentencepiece. The learning rate follows the clock: 10 minutes on one quiet core are
enough.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import numpy as np
import sentencepiece
import torch
from spelling import ONES, SIZES, TENS, draw_numbers, spell
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

MAX_TOKENS = 20
NUM_CHECKED = 500


def make_tokenizer(folder: pathlib.Path) -> MarianTokenizer:
    """Digits on the source's side, words on the target's, in one vocabulary."""
    numbers = draw_numbers(np.random.default_rng(0), 20000, held_out=False)
    sides = {"source": [str(n) for n in numbers], "target": [spell(int(n)) for n in numbers]}
    pieces: dict[str, None] = {}
    for side, sentences in sides.items():
        text = folder / f"{side}.txt"
        text.write_text("\n".join(sentences) + "\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(folder / side),
            model_type="unigram",
            vocab_size=64,
            hard_vocab_limit=False,
            split_digits=True,
            normalization_rule_name="identity",
            bos_id=-1,
            minloglevel=2,
            num_threads=1,
        )
        text.unlink()
        (folder / f"{side}.vocab").unlink()
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
        pieces |= dict.fromkeys(model.id_to_piece(i) for i in range(model.get_piece_size()))
    words = ["</s>", "<unk>", *(piece for piece in pieces if piece not in ("</s>", "<unk>")), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}, ensure_ascii=False))
    files = (str(folder / name) for name in ("source.spm", "target.spm", "vocab.json"))
    tokenizer = MarianTokenizer(*files, source_lang="digits", target_lang="en")
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_model(tokenizer: MarianTokenizer) -> MarianMTModel:
    """Six layers a side, with one matrix for all embeddings."""
    pad, d_model = tokenizer.pad_token_id, 64
    config = MarianConfig(
        vocab_size=len(tokenizer),
        d_model=d_model,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_position_embeddings=32,
        activation_function="swish",
        scale_embedding=True,
        init_std=d_model**-0.5,
        dropout=0.0,
        pad_token_id=pad,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
    )
    model = MarianMTModel(config)
    model.generation_config.max_length = MAX_TOKENS
    model.generation_config.bad_words_ids = [[pad]]
    return model


class Encoder:
    """What the tokenizer makes of numbers and their words, each piece of text looked up once."""

    def __init__(self, tokenizer: MarianTokenizer) -> None:
        self.tokenizer = tokenizer
        self.start = tokenizer("0")["input_ids"][0]
        self.digits = {digit: tokenizer(digit)["input_ids"][1] for digit in "0123456789"}
        self.words = {word: tokenizer(text_target=word)["input_ids"][:-1] for word in (*ONES, *TENS, *SIZES)}

    def encode(self, numbers: np.ndarray) -> dict[str, torch.Tensor]:
        """input_ids, attention_mask and labels, which are -100 where there is no token."""
        end, pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        sources = [[self.start, *(self.digits[digit] for digit in str(n)), end] for n in numbers]
        targets = [[token for word in spell(int(n)).split() for token in self.words[word]] + [end] for n in numbers]

        def stack(rows: list[list[int]], behind: int) -> torch.Tensor:
            length = max(len(row) for row in rows)
            return torch.tensor([row + [behind] * (length - len(row)) for row in rows])

        ids = stack(sources, pad)
        return {"input_ids": ids, "attention_mask": (ids != pad).long(), "labels": stack(targets, -100)}


def train(model: MarianMTModel, tokenizer: MarianTokenizer, minutes: float, batch: int) -> None:
    """AdamW with a warm-up, which layers that are normed behind their sum need, then falling to zero."""
    rng, encoder = np.random.default_rng(1), Encoder(tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=1e-4, foreach=True)
    begin, number = time.monotonic(), 0
    while (done := (time.monotonic() - begin) / (60 * minutes)) < 1:
        loss = model(**encoder.encode(draw_numbers(rng, batch, held_out=False))).loss
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, number / 300) * min(1, 1.25 * (1 - done))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        number += 1
        if number % 100 == 0:
            print(f"step {number}, loss {loss.item():.4f}, {time.monotonic() - begin:.0f} s", flush=True)


def check(model: MarianMTModel, tokenizer: MarianTokenizer, folder: pathlib.Path) -> None:
    """Writes what the stored model generates for held-out numbers."""
    numbers = np.unique(draw_numbers(np.random.default_rng(2), NUM_CHECKED, held_out=True))
    inputs = tokenizer([str(n) for n in numbers], padding=True, return_tensors="pt")
    results = {"numbers": numbers}
    for name, beams in (("greedy", 1), ("beams", 4)):
        tokens = model.generate(**inputs, num_beams=beams)
        texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
        right = np.array([text == spell(int(n)) for text, n in zip(texts, numbers, strict=True)])
        print(f"{name}: {right.sum()} of {len(right)} held-out numbers right")
        results |= {name: tokens.numpy().astype(np.int16), f"{name}_right": right}
    np.savez_compressed(folder / "expected.npz", **results)


def main() -> None:
    """Trains, writes and counts what is right."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=pathlib.Path, help="is written")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tokenizer = make_tokenizer(options.folder)
    model = make_model(tokenizer)
    train(model.train(), tokenizer, options.minutes, options.batch)
    model.half().save_pretrained(options.folder)
    stored = MarianMTModel.from_pretrained(options.folder, dtype=torch.float32).eval()
    with torch.no_grad():
        check(stored, tokenizer, options.folder)


if __name__ == "__main__":
    main()
