# ===- test_preprocess.py - Pictures become pixels as with Pillow ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares the runtime's pictures with Pillow's, and its tensors with those of Hugging Face's numpy processors.

Every comparison is for equal bits. The runtime is called through the tool vitc-image-check of the build folder."""

import io
import math
import os
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VITC_BUILD_DIR", REPO / "build"))
PHOTOS = sorted((REPO / "examples/signdigits/images").glob("*.jpg"))
FILTERS = [Image.NEAREST, Image.LANCZOS, Image.BILINEAR, Image.BICUBIC, Image.BOX, Image.HAMMING]


def run_tool(picture, out, *options):
    command = [BUILD / "bin/vitc-image-check", picture, out, *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def read_pixels(picture, tmp_path, *options):
    """What the runtime makes of a file: uint8 [height, width, 3]."""
    out = tmp_path / "pixels"
    result = run_tool(picture, out, *options)
    assert result.returncode == 0, result.stderr
    height, width = map(int, result.stdout.split())
    return np.fromfile(out, np.uint8).reshape(height, width, 3)


def assert_decodes_as_pillow(picture, tmp_path):
    with Image.open(picture) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_pixels(picture, tmp_path), expected)


def make_picture(height, width, channels=3, seed=0):
    """Smooth shapes and noise: uint8 [height, width, channels]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [127 + 80 * np.sin(x / (3 + c) + c) * np.cos(y / (5 - c)) for c in range(channels)]
    noise = rng.integers(-47, 48, (height, width, channels))
    return np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(make_picture(97, 131)).save(path)
    return path


# JPEG


def test_photos(tmp_path):
    assert PHOTOS
    for path in PHOTOS:
        assert_decodes_as_pillow(path, tmp_path)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (61, 83)])
def test_jpeg_rgb(tmp_path, subsampling, progressive, size):
    path = tmp_path / "picture.jpg"
    Image.fromarray(make_picture(*size)).save(path, quality=70, subsampling=subsampling, progressive=progressive)
    assert_decodes_as_pillow(path, tmp_path)


@pytest.mark.parametrize("mode, channels", [("L", 1), ("CMYK", 4)])
def test_jpeg_modes(tmp_path, mode, channels):
    path = tmp_path / "picture.jpg"
    Image.frombytes(mode, (41, 23), make_picture(23, 41, channels).tobytes()).save(path)
    assert_decodes_as_pillow(path, tmp_path)


def test_jpeg_rgb_colour_space(tmp_path):
    path = tmp_path / "picture.jpg"
    Image.fromarray(make_picture(23, 41)).save(path, keep_rgb=True)
    assert_decodes_as_pillow(path, tmp_path)


def test_jpeg_restart_markers(tmp_path):
    path = tmp_path / "picture.jpg"
    Image.fromarray(make_picture(50, 70)).save(path, restart_marker_rows=1)
    assert_decodes_as_pillow(path, tmp_path)


# PNG


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """PNG scanlines, unfiltered, of integer samples [height, width, channels]."""
    rows = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(rows.shape[0], -1), axis=-1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def encode_png(samples, depth, colour, interlaced=False, extra=b""):
    """Kinds of PNG that Pillow does not write: any depth, Adam7."""
    adam7 = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    passes = adam7 if interlaced else [(0, 1, 0, 1)]
    parts = [samples[top::down, left::right] for top, down, left, right in passes]
    data = b"".join(pack_rows(part, depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, interlaced)
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(data)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PNG_KINDS = [(0, d) for d in (1, 2, 4, 8, 16)] + [(3, d) for d in (1, 2, 4, 8)]
PNG_KINDS += [(colour, depth) for colour in (2, 4, 6) for depth in (8, 16)]


@pytest.mark.parametrize("colour, depth", PNG_KINDS)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (19, 23)])
def test_png_kinds(tmp_path, colour, depth, interlaced, size):
    rng = np.random.default_rng(depth)
    samples = rng.integers(0, 2**depth, (*size, PNG_CHANNELS[colour]))
    palette = png_chunk(b"PLTE", rng.bytes(3 * 2**depth)) if colour == 3 else b""
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(samples, depth, colour, interlaced, palette))
    assert_decodes_as_pillow(path, tmp_path)


# Gray of 16 bits is clipped to 255 rather than scaled.
def test_png_gray16_near_byte_range(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(np.array([[[0], [1], [255], [256], [300], [65535]]]), 16, 0))
    assert_decodes_as_pillow(path, tmp_path)
    assert read_pixels(path, tmp_path)[0, :, 0].tolist() == [0, 1, 255, 255, 255, 255]


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize(
    "colour, transparency", [(0, b"\0\x07"), (2, b"\0\x07\0\x08\0\x09"), (3, b"\0\x80"), (3, b"\0")]
)
def test_png_transparency(tmp_path, colour, transparency):
    samples = make_picture(5, 6, PNG_CHANNELS[colour]) % 4
    palette = png_chunk(b"PLTE", bytes(range(12))) if colour == 3 else b""
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(samples, 8, colour, extra=palette + png_chunk(b"tRNS", transparency)))
    assert_decodes_as_pillow(path, tmp_path)


# An index beyond the palette's end is black.
def test_png_short_palette(tmp_path):
    path = tmp_path / "picture.png"
    samples = np.array([[[0], [1], [2], [255]]])
    path.write_bytes(encode_png(samples, 8, 3, extra=png_chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))))
    assert_decodes_as_pillow(path, tmp_path)


# Gamma and profiles are metadata.
def test_png_gamma(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(make_picture(5, 6), 8, 2, extra=png_chunk(b"gAMA", struct.pack(">I", 100000))))
    assert_decodes_as_pillow(path, tmp_path)


# Resize and crop

SIZES = [(97, 131), (1, 1), (2, 300), (64, 64), (97, 40), (50, 131), (96, 132), (224, 224), (13, 17)]


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("size", SIZES)
def test_resize(tmp_path, photo, filter, size):
    with Image.open(photo) as image:
        expected = np.asarray(image.resize(size[::-1], filter))
    pixels = read_pixels(photo, tmp_path, "--view", *size, "--resize", *size, "--filter", int(filter))
    np.testing.assert_array_equal(pixels, expected)


# Black and white edges reach the ends of the fixed-point range.
@pytest.mark.parametrize("filter", FILTERS)
def test_resize_full_contrast(tmp_path, filter):
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 2, (40, 50, 3), np.uint8) * 255).save(path)
    for size in [(61, 73), (17, 19)]:
        with Image.open(path) as image:
            expected = np.asarray(image.resize(size[::-1], filter))
        pixels = read_pixels(path, tmp_path, "--view", *size, "--resize", *size, "--filter", int(filter))
        np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("source", range(1, 12))
def test_resize_small(tmp_path, filter, source):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(source, 12 - source)).save(path)
    for target in (1, 2, 3, 5, 7, 10, 49):
        with Image.open(path) as image:
            expected = np.asarray(image.resize((target, target + 1), filter))
        size = (target + 1, target)
        pixels = read_pixels(path, tmp_path, "--view", *size, "--resize", *size, "--filter", int(filter))
        np.testing.assert_array_equal(pixels, expected)


def center_crop(pixels, height, width):
    """transformers.image_transforms.center_crop, for [height, width, 3]."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    if top >= 0 and left >= 0:
        return pixels[top : top + height, left : left + width]
    padded = np.zeros((max(height, pixels.shape[0]), max(width, pixels.shape[1]), 3), pixels.dtype)
    top_pad, left_pad = (math.ceil((padded.shape[i] - pixels.shape[i]) / 2) for i in (0, 1))
    padded[top_pad : top_pad + pixels.shape[0], left_pad : left_pad + pixels.shape[1]] = pixels
    top, left = top + top_pad, left + left_pad
    return padded[max(0, top) : top + height, max(0, left) : left + width]


@pytest.mark.parametrize("size", [(10, 20), (11, 21), (97, 131), (98, 50), (50, 132), (200, 199), (101, 136)])
def test_center_crop(tmp_path, photo, size):
    with Image.open(photo) as image:
        expected = center_crop(np.asarray(image), *size)
    pixels = read_pixels(photo, tmp_path, "--view", *size, "--crop")
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("shape", [(97, 131), (131, 97), (80, 80), (31, 203), (64, 70)])
@pytest.mark.parametrize("edge, crop", [(64, 56), (73, 64), (64, 64), (40, 64)])
def test_shortest_edge(tmp_path, shape, edge, crop):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(*shape)).save(path)
    short, long = min(shape), int(edge * max(shape) / min(shape))
    size = (edge, long) if shape[0] == short and shape[0] < shape[1] else (long, edge)
    with Image.open(path) as image:
        resized = np.asarray(image.resize(size[::-1], Image.BICUBIC))
    options = ["--view", crop, crop, "--resize", edge, 0, "--crop", "--filter", int(Image.BICUBIC)]
    np.testing.assert_array_equal(read_pixels(path, tmp_path, *options), center_crop(resized, crop, crop))


# Rescale and normalise


@pytest.mark.parametrize("factor", [1 / 255, 0.00392156862745098, 1 / 127.5, 1 / 256, 1.0, 0])
@pytest.mark.parametrize("mean, std", [(0.5, 0.5), (0.485, 0.229), (0.0, 0)])
def test_pixels(tmp_path, factor, mean, std):
    path, out = tmp_path / "picture.png", tmp_path / "pixels"
    Image.fromarray(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)).save(path)
    with Image.open(path) as image:
        expected = np.asarray(image)
    if factor:
        expected = (expected.astype(np.float64) * factor).astype(np.float32)
    expected = expected.astype(np.float32)
    if std:
        expected = (expected - np.float32(mean)) / np.float32(std)
    result = run_tool(path, out, "--view", 16, 16, "--pixels", repr(factor), mean, std)
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(np.fromfile(out, np.float32).reshape(3, 16, 16), expected.transpose(2, 0, 1))


def test_gray_model(tmp_path, photo):
    with Image.open(photo) as image:
        expected = np.asarray(image.convert("L").resize((28, 28), Image.BILINEAR), np.float32)
    out = tmp_path / "pixels"
    result = run_tool(photo, out, "--gray", "--view", 28, 28, "--resize", 28, 28, "--pixels", 0, 0, 0)
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(np.fromfile(out, np.float32).reshape(28, 28), expected)


# Damaged files


def pillow_decodes(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, struct.error):
        return None


@pytest.mark.parametrize("suffix, options", [("jpg", {}), ("jpg", {"progressive": True}), ("png", {})])
def test_truncated(tmp_path, suffix, options):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    path, out = tmp_path / f"picture.{suffix}", tmp_path / "pixels"
    Image.fromarray(make_picture(33, 40)).save(path, **options)
    data = path.read_bytes()
    for length in [*range(0, len(data), len(data) // 80), *range(len(data) - 14, len(data))]:
        path.write_bytes(data[:length])
        expected, result = pillow_decodes(data[:length]), run_tool(path, out)
        if expected is not None:
            np.testing.assert_array_equal(np.fromfile(out, np.uint8).reshape(expected.shape), expected)
            continue
        assert result.returncode == 1
        assert result.stderr.startswith(f"vitc-image-check: error: {path}: ") and result.stderr.count("\n") == 1


# Whatever one changed byte does: a picture or one line, no crash, no hang.
@pytest.mark.parametrize("suffix, options", [("jpg", {}), ("jpg", {"progressive": True}), ("png", {})])
def test_changed_byte(tmp_path, suffix, options):
    path, out = tmp_path / f"picture.{suffix}", tmp_path / "pixels"
    Image.fromarray(make_picture(33, 40)).save(path, **options)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(2)
    for position in rng.integers(0, len(data), 150):
        changed = data.copy()
        changed[position] ^= rng.integers(1, 256)
        path.write_bytes(changed)
        result = run_tool(path, out)
        assert result.returncode in (0, 1)
        assert result.stderr.count("\n") == result.returncode
