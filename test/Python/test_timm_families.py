# ===- test_timm_families.py - timm's folders agree with timm ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Small models of timm's families of several stages, against what timm gave for them in float64."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from timm_folders import write_folder
from timm_references import MODELS, load, make_pixels

from harness import VITC, error_line, run, run_ok

TOLERANCE = 1e-5  # of the largest logit
# Those whose tokens or maps are for a language model.
ENCODERS = ("deepseek_vit_enc", "mobilenetv5_enc", "qwen3_vit_enc")
SQUARE = "--image-size=64x64"
TABLE = "stages.0.blocks.0.attn.attn_block.rel_pos.relative_position_bias_table"


@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_timm(name: str, tmp_path: Path) -> None:
    config, weights, expected = load(name)
    write_folder(tmp_path / "model", config, weights)
    height, width = MODELS[name][1]
    np.save(tmp_path / "pixels.npy", make_pixels(height, width))
    # Where img_size is that of the positions.
    options = [f"--image-size={height}x{width}"] if name.endswith("_wide_resized") else []
    command = (VITC, "run", tmp_path / "model", *options, "--march=native", "-O0", "--input", tmp_path / "pixels.npy")
    run_ok(*command, "--output-dir", tmp_path / "out")
    (output,) = (tmp_path / "out").glob("*.npy")
    assert output.stem == ("features" if name in ENCODERS else "logits")
    logits = np.load(output)
    # A tiny output would agree with anything.
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(logits, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def test_reads_a_shared_weight_of_any_name(tmp_path: Path) -> None:
    """CoaT's layers of positions are those of all blocks of a stage; a file may have them once."""
    config, weights, expected = load("coat_lite")
    for shared in [weight for weight in weights if weight.startswith(("cpe1.", "crpe1."))]:
        del weights[shared]
    np.save(tmp_path / "pixels.npy", make_pixels(*MODELS["coat_lite"][1]))
    write_folder(tmp_path / "model", config, weights)
    command = (VITC, "run", tmp_path / "model", "--march=native", "-O0", "--input", tmp_path / "pixels.npy")
    run_ok(*command, "--output-dir", tmp_path / "out")
    logits = np.load(tmp_path / "out" / "logits.npy")
    np.testing.assert_allclose(logits, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def refusal(name: str, tmp_path: Path, change, *options: str) -> str:
    config, weights, _ = load(name)
    change(config, weights)
    write_folder(tmp_path / "model", config, weights)
    return error_line(VITC, "compile", tmp_path / "model", *options, "-o", tmp_path / "out", code=1)


def drop(weight: str):
    return lambda config, weights: weights.pop(weight)


def resize(layer: str, *shape: int):
    """The filter, and the bias where the layer has one."""

    def change(config, weights) -> None:
        weights[layer + ".weight"] = np.zeros(shape, np.float32)
        if layer + ".bias" in weights:
            weights[layer + ".bias"] = np.zeros(shape[0], np.float32)

    return change


def resize_normed(layer: str, conv: str, *shape: int):
    """The filter, and the batch norm behind it."""

    def change(config, weights) -> None:
        weights[f"{layer}{conv}.weight"] = np.zeros(shape, np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{layer}bn.{name}"] = np.ones(shape[0], np.float32)

    return change


def replace(weight: str, *shape: int):
    return lambda config, weights: weights.update({weight: np.zeros(shape, np.float32)})


def resize_norm(layer: str, size: int):
    parts = ("weight", "bias", "running_mean", "running_var")
    return lambda config, weights: weights.update({f"{layer}.{part}": np.ones(size, np.float32) for part in parts})


def keep(config, weights) -> None:
    pass


def squash(config, weights) -> None:
    config["pretrained_cfg"]["crop_mode"] = "squash"


def squashed(change):
    """The same; a picture that is no square is not cut from others, of which vitc warns."""

    def change_both(config, weights) -> None:
        squash(config, weights)
        change(config, weights)

    return change_both


def set_argument(key: str, value: object):
    return lambda config, weights: config["model_args"].update({key: value})


@pytest.mark.parametrize(
    ("name", "change", "option", "message"),
    [
        (
            "pvt_v2",
            drop("stages.0.blocks.0.attn.kv.weight"),
            SQUARE,
            "the weights lack 'stages.0.blocks.0.attn.kv.weight'",
        ),
        ("pvt_v2", drop("stages.2.blocks.1.mlp.fc1.bias"), SQUARE, "asks for: 'stages.2.blocks.1.mlp.fc1.bias'"),
        ("pvt_v2", resize("stages.0.blocks.0.attn.kv", 12, 8), SQUARE, "keys and values need 8 each"),
        ("pvt_v2", resize("stages.0.blocks.0.mlp.fc2", 9, 64), SQUARE, "gives [256, 9] for each picture; it is added"),
        ("pvt_v2", resize("stages.0.blocks.0.attn.sr", 8, 3, 8, 8), SQUARE, "dim 1 needs to be a divisor"),
        ("pvt_v2", resize("stages.0.blocks.0.attn.sr", 8, 8, 8, 1), SQUARE, "its filters need to be square"),
        ("pvt_v2", resize("patch_embed.proj", 8, 3, 7), SQUARE, "has rank 3; the architecture needs rank 4"),
        ("pvt_v2", keep, "--image-size=16x16", "needs a larger one"),
        ("pvt_v2_linear", keep, "--image-size=64x64", "both sides need to be one multiple of 7"),
        ("levit", keep, "--image-size=128x128", "has shape [2, 24]; levit_128s for pictures of 128x128 needs [2, 64]"),
        ("maxvit_pm", replace(TABLE, 0, 1), SQUARE, "attn_block.rel_pos.relative_position_bias_table' has a size of 0"),
        ("maxvit", keep, "--image-size=72x72", "need multiples of that"),
        ("maxvit", keep, "--image-size=16x16", "its windows of 0x0 need"),
        (
            "tiny_vit",
            replace("stages.1.blocks.0.attn.attention_biases", 2, 15),
            SQUARE,
            "a square window needs a square",
        ),
        ("pvt_v2", set_argument("num_heads", [1]), SQUARE, "num_heads has 1 numbers; the weights have "),
        ("davit", set_argument("num_heads", [1]), SQUARE, "num_heads has 1 numbers; the weights have "),
        ("pit", set_argument("heads", [1]), SQUARE, "heads has 1 numbers; the weights have "),
        ("cait", keep, SQUARE, "has shape [1, 12, 32]; cait_xxs24_224 for pictures of 64x64 needs [1, 16, 32]"),
        ("coat", keep, "--image-size=80x80", "maps of 10x10 and 2x2; parallel blocks need sides of which "),
        ("coat_lite", resize("crpe1.conv_list.0", 3, 1, 3, 3), SQUARE, "of other widths; its values need 16 channels"),
        ("convit", squash, "--image-size=64x96", "a map of 4x6; distances of patches need a square one"),
        (
            "convit",
            resize("blocks.0.attn.qk", 60, 32),
            SQUARE,
            "'blocks.0.attn.qk' has a width of 60; queries and keys need 32 each",
        ),
        ("convit", resize("blocks.0.attn.pos_proj", 5, 3), SQUARE, "has scores [5, 16, 16] for each picture; its "),
        (
            "crossvit",
            resize("blocks.0.projs.0.2", 40, 24),
            "--image-size=120x120",
            "'blocks.0.fusion.0.' joins [1, 40]",
        ),
        ("crossvit", set_argument("num_heads", [3]), "--image-size=120x120", "num_heads has 1 numbers; the weights"),
        ("deepseek_vit", set_argument("num_heads", 16), "--image-size=56x56", "rotary positions need a multiple of 4"),
        (
            "caformer",
            lambda config, weights: weights.update({"head.fc.weight": np.zeros((7, 96), np.float32)}),
            SQUARE,
            "the weights have 'head.fc.weight', a classifier of one layer; caformer_s18 needs 'head.fc.fc1'",
        ),
        (
            "coat",
            replace("cls_token1", 1, 2, 16),
            SQUARE,
            "tensor 'cls_token1' has shape [1, 2, 16]; ",
        ),
        (
            "efficientvim",
            replace("stages.0.blocks.0.mixer.hz_proj.conv.weight", 1, 16, 1),
            SQUARE,
            "'stages.0.blocks.0.mixer.hz_proj' has a width of 1; it needs 2 parts of one width",
        ),
        (
            "hiera",
            squashed(resize("blocks.0.attn.qkv", 2, 16)),
            "--image-size=64x96",
            "has a width of 2; it needs 3 parts of one",
        ),
        (
            "mvitv2",
            replace("stages.0.blocks.0.attn.pool_k.weight", 16, 1, 3, 3),
            SQUARE,
            "gives 16 channels; heads need 8",
        ),
        (
            "samvit",
            squashed(set_argument("window_size", 65536)),
            "--image-size=96x128",
            "vitc compiles maps of at most ",
        ),
        ("sam2_hiera", set_argument("window_spec", [65536] * 4), SQUARE, "vitc compiles maps of at most "),
        (
            "swinv2_cr",
            squashed(resize("stages.0.blocks.0.attn.meta_mlp.fc2", 4, 384)),
            "--image-size=64x96",
            "'stages.0.blocks.0.attn' has 1 heads of 24 queries and 24 keys and a bias [4, 24, 24]",
        ),
        (
            "tnt",
            squashed(resize("blocks.0.attn_in.qk", 33, 8)),
            "--image-size=48x64",
            "'blocks.0.attn_in.qk' has a width of 33; it needs 2 parts of one width",
        ),
        ("naflexvit", set_argument("patch_size", 15), SQUARE, "has 768 inputs, no multiple of patch_size = 15 squared"),
        ("naflexvit", set_argument("global_pool", "token"), SQUARE, "and the weights lack 'embeds.cls_token'"),
        ("qwen3_vit_enc", resize("merger.fc1", 144, 144), SQUARE, "has 144 inputs; it needs a square times 48"),
        ("samvit_224", keep, SQUARE, "attn.rel_pos_w' has shape [11, 16]; "),
        ("tnt", keep, "--image-size=40x40", "pictures of 40x40; patches of pixels need multiples of 16"),
        ("visformer", keep, SQUARE, "tensor 'pos_embed1' has shape [1, 24, 8, 12]; "),
        (
            "vitamin",
            set_argument("img_size", [64, 64]),
            SQUARE,
            "'pos_embed' has shape [1, 24, 24]; vitamin_small_224 for pictures of 64x64 needs [1, 16, 24]",
        ),
        (
            "vitamin",
            squashed(resize("blocks.1.mlp.w1", 40, 24)),
            "--image-size=64x96",
            "'blocks.1.mlp' gives [24, 40]; it meets [24, 48]",
        ),
        (
            "volo",
            squash,
            "--image-size=48x64",
            "'pos_embed' has shape [1, 4, 3, 48]; volo_d1_224 for pictures of 48x64 needs [1, 3, 4, 48]",
        ),
        (
            "volo",
            squashed(resize("network.0.1.attn.attn", 480, 24)),
            "--image-size=72x48",
            "has shape [480, 24]; windows of 3x3 need a multiple of 81 scores",
        ),
        (
            "volo",
            squashed(resize("aux_head", 6, 48)),
            "--image-size=72x48",
            "tensor 'aux_head.weight' has 6 classes; 'head.weight' has 7",
        ),
        (
            "volo",
            squashed(set_argument("num_heads", [6])),
            "--image-size=72x48",
            "num_heads has 1 numbers; the weights",
        ),
        ("vit_relpos", set_argument("global_pool", "token"), SQUARE, "and the weights lack 'cls_token'"),
        ("vit_relpos", set_argument("rel_pos_type", "mlp_swin"), SQUARE, "vitc imports mlp and bias"),
        ("vit_relpos_table", keep, SQUARE, "has shape [38, 6]; "),
        (
            "efficientformer",
            keep,
            SQUARE,
            "has shape [8, 49]; efficientformer_l1 for pictures of 64x64 needs [8, 4]",
        ),
        ("efficientformerv2", keep, "--image-size=80x80", "a map of 5x5; it needs multiples of 2"),
        (
            "efficientvit_b",
            resize("stages.2.blocks.1.context_module.main.aggreg.0.1", 96, 7, 1, 1),
            SQUARE,
            "dim 1 needs to be a divisor",
        ),
        (
            "efficientvit_b",
            drop("stages.2.blocks.0.main.depth_conv.conv.bias"),
            SQUARE,
            "asks for: 'stages.2.blocks.0.main.depth_conv.conv.bias'",
        ),
        (
            "efficientvit_m",
            replace("stages.0.blocks.0.mixer.m.attn.attention_biases", 2, 15),
            SQUARE,
            "a square window needs a square",
        ),
        (
            "efficientvit_m",
            resize_normed("stages.0.blocks.0.mixer.m.attn.qkvs.0.", "conv", 16, 16, 1, 1),
            SQUARE,
            "has a width of 16; its query and key have 8 each",
        ),
        (
            "efficientvit_m",
            replace("stages.0.blocks.0.mixer.m.attn.attention_biases", 5, 16),
            SQUARE,
            "no multiple of its 5 heads",
        ),
        ("edgenext", replace("stages.1.blocks.1.convs.0.weight", 24, 1, 3, 3), SQUARE, "need to leave some of 24"),
        ("fastvit", drop("stem.2.conv_kxk.0.conv.weight"), SQUARE, "4 tensors are not part of this architecture"),
        (
            "iformer",
            resize_normed("stages.2.blocks.2.mixer.module.v_gate.", "c", 47, 24, 1, 1),
            SQUARE,
            "has a width of 47",
        ),
        ("mobilenetv5", keep, "--image-size=48x48", "leaves 'msfa' a map of 3x3; joining it with one of half the size"),
        (
            "mobilenetv5",
            replace("blocks.2.1.attn.query.proj.weight", 20, 24, 1, 1),
            SQUARE,
            "'blocks.2.1.attn.query.proj' has a width of 20; heads whose keys have 8 need a multiple of that",
        ),
        ("mobilenetv5", drop("blocks.2.1.attn.key.down_conv.weight"), SQUARE, "has 16 keys and 4 values; it needs as "),
        ("mobilenetv5", drop("blocks.0.0.conv_exp.weight"), SQUARE, "the weights lack 'blocks.0.0', the first block"),
        ("mobilenetv5", set_argument("msfa_indices", [-3, -1]), SQUARE, "model_args has msfa_indices = [-3,-1]; vitc "),
        ("nextvit", set_argument("sr_ratios", [8]), SQUARE, "sr_ratios has 1 numbers; the weights have 4 stages"),
        ("nextvit", keep, "--image-size=16x16", "4 tokens; it needs 16 or more"),
        ("shvit", replace("stages.1.blocks.0.mixer.m.pre_norm.weight", 24), SQUARE, "it needs to leave some of 24"),
        (
            "botnet",
            resize("stages.2.1.self_attn.qkv", 100, 32, 1, 1),
            SQUARE,
            "has a width of 100; values of 32 channels and keys of heads of 8 need another",
        ),
        ("botnet_se", drop("stages.0.0.shortcut.conv.weight"), SQUARE, "it is added to [32, 16, 16]"),
        ("botnet_eca", replace("stages.0.0.attn.conv.weight", 1, 1, 4), SQUARE, "a window of channels needs an odd"),
        ("caformer", drop("stages.0.blocks.0.token_mixer.act1.bias"), SQUARE, "asks for: 'stages.0.blocks.0.token_m"),
        ("efficientvim", replace("stages.0.blocks.0.mixer.A", 48), SQUARE, "147 channels; 48 states need 3 for each"),
        (
            "efficientvim",
            replace("stages.0.blocks.0.mixer.out_proj.conv.weight", 24, 16, 1),
            SQUARE,
            "'stages.0.blocks.0.mixer' gives [24, 4, 4] for each picture; it needs [16, 4, 4]",
        ),
        (
            "focalnet",
            resize("layers.0.blocks.0.modulation.f", 19, 8, 1, 1),
            SQUARE,
            "gives 19 channels; a query and a context of 8 and gates of 3 levels and the mean need 20",
        ),
        ("gcvit", set_argument("window_ratio", [32]), SQUARE, "window_ratio has 1 numbers; the weights have 4 stages"),
        ("gcvit", set_argument("window_ratio", [64] * 4), SQUARE, "gives a map of 2x2; its windows are of 1x1"),
        ("gcvit", keep, "--image-size=32x32", "has shape [15, 2]; gcvit_xxtiny for pictures of 32x32 needs [1, 2]"),
        (
            "gcvit_scaled",
            resize("stages.1.blocks.1.attn.qkv", 48, 16),
            "--image-size=96x96",
            "has a width of 48; keys and values need 16 each",
        ),
        ("halonet", keep, SQUARE, "and windows of 12; blocks of 8 need multiples of that"),
        (
            "halonet",
            replace("stages.2.1.self_attn.pos_embed.height_rel", 2051, 4),
            "--image-size=256x256",
            "'stages.2.1.self_attn' has windows of 1026x1026; vitc compiles at most ",
        ),
        (
            "hiera",
            keep,
            SQUARE,
            "'pos_embed' has shape [1, 384, 16]; hiera_tiny_224 for pictures of 64x64 needs [1, 256",
        ),
        ("hiera_abswin", keep, "--image-size=48x48", "a map of 12x12; its windows of 8x8 need multiples of that"),
        (
            "lambda_resnet",
            resize_norm("stages.3.0.self_attn.norm_q", 56),
            SQUARE,
            "gives 96 channels; queries of 56 and values of 16 need keys of a divisor of the queries'",
        ),
        (
            "lambda_resnet",
            replace("stages.3.0.self_attn.conv_lambda.weight", 16, 1, 4, 4, 1),
            SQUARE,
            "a window of 4 places needs an odd number",
        ),
        ("mvitv2", keep, "--image-size=32x32", "attn.rel_pos_h' has shape [31, 8]; mvitv2_tiny for pictures of 32x32"),
        ("nest", keep, "--image-size=40x40", "a map of 10x10; its 4x4 blocks need multiples of that"),
        ("sam2_hiera", set_argument("window_spec", [4, 2]), SQUARE, "the weights have more than 2 stages, the most"),
        (
            "sam2_hiera",
            set_argument("window_spec", [4, 2, 3, 3]),
            "--image-size=96x96",
            "'blocks.5.attn' has windows of 3x3; halves of a map of 6x6 need even ones",
        ),
        (
            "sequencer",
            drop("stages.1.blocks.0.rnn_tokens.rnn_h.bias_hh_l0_reverse"),
            SQUARE,
            "asks for: 'stages.1.blocks.0.rnn_tokens.rnn_h.bias_hh_l0_reverse'",
        ),
        (
            "sequencer",
            replace("stages.0.blocks.0.rnn_tokens.rnn_v.weight_hh_l0", 18, 4),
            SQUARE,
            "rnn_v.weight_hh_l0' has shape [18, 4]; sequencer2d_s for pictures of 64x64 needs [16, 4]",
        ),
        (
            "sequencer",
            drop("stages.2.blocks.0.rnn_tokens.rnn_v.weight_hh_l0_reverse"),
            SQUARE,
            "the weights lack 'stages.2.blocks.0.rnn_tokens.rnn_v.weight_hh_l0_reverse'",
        ),
        ("sequencer_sum", set_argument("global_pool", "max"), SQUARE, "global_pool = 'max'; vitc imports avg"),
        ("swinv2_cr", keep, "--image-size=12x12", "a grid of 3x3 patches; windows of one in 4 of them need a larger"),
    ],
)
def test_refuses(name: str, change, option: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(name, tmp_path, change, option)


@pytest.mark.parametrize(
    ("name", "weight", "shape", "message"),
    [
        ("iformer", "stages.2.blocks.2.mixer.module.q.c.weight", (2, 2), "needs filters of an odd one"),
        ("efficientvim", "stages.0.blocks.0.mixer.dw.conv.weight", (2, 2), "needs filters of an odd one"),
        ("efficientformerv2", "stages.2.blocks.1.token_mixer.q.conv.weight", (2, 2), "needs filters of an odd one"),
        ("halonet", "stages.2.1.self_attn.q.weight", (9, 9), "its filters need to be of 1x1"),
    ],
)
def test_refuses_a_filter(name: str, weight: str, shape: tuple[int, int], message: str, tmp_path: Path) -> None:
    def change(config, weights) -> None:
        weights[weight] = np.zeros((*weights[weight].shape[:2], *shape), np.float32)

    assert message in refusal(name, tmp_path, squashed(change))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_changed_filters_are_no_internal_error(name: str, tmp_path: Path) -> None:
    """Filters of another size or with other outputs give a program or errors of the model."""
    config, weights, _ = load(name)
    filters = [weight for weight, value in weights.items() if value.ndim == 4]
    chosen = random.Random(name).sample(filters, min(2, len(filters)))
    for weight in chosen:
        outputs, inputs = weights[weight].shape[:2]
        kernel = weights[weight].shape[2:]
        for shape in ((outputs, inputs, 2, 2), (2 * outputs, inputs, *kernel), (1, inputs, *kernel)):
            write_folder(tmp_path / "model", config, weights | {weight: np.ones(shape, np.float32)})
            result = run(VITC, "compile", tmp_path / "model", "--compile-to=import", "-o", tmp_path / "out")
            assert result.returncode in (0, 1), result.stderr
            assert ("error: " in result.stderr) == (result.returncode == 1), result.stderr


def test_refuses_an_argument(tmp_path: Path) -> None:
    def change(config, weights) -> None:
        config["model_args"]["act_layer"] = "relu"

    assert 'model_args has act_layer = "relu"; vitc reads ' in refusal("levit", tmp_path, change)


def test_refuses_a_crop_in_a_border(tmp_path: Path) -> None:
    def change(config, weights) -> None:
        config["pretrained_cfg"]["crop_pct"] = 0.9

    message = "crop_mode = 'border'; vitc imports center, squash and, with crop_pct = 1, border"
    assert message in refusal("deepseek_vit", tmp_path, change)
