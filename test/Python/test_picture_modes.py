# ===- test_picture_modes.py - Orientations, channels and padding ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares what vitc-image-check makes of pictures with Pillow's pixels and with values that PyTorch gave."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from test_preprocess import make_picture, read_pixels, run_tool

ORIENTATION = 0x0112
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read_input(picture, tmp_path, channels, height, width, *options):
    """The model's input, not normalised: [height, width, channels]."""
    out = tmp_path / "pixels"
    command = ["--channels", channels, "--view", height, width, *options, "--pixels", 0, 0, 0]
    result = run_tool(picture, out, *command)
    assert result.returncode == 0, result.stderr
    return np.fromfile(out, np.float32).reshape(channels, height, width).transpose(1, 2, 0)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9])
def test_exif_orientation(tmp_path, suffix, orientation):
    path = tmp_path / f"picture.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(make_picture(20, 30)).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(read_pixels(path, tmp_path), expected)


# Big-endian, and cut off anywhere: a picture all the same.
def test_exif_damage(tmp_path):
    path = tmp_path / "picture.jpg"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    Image.fromarray(make_picture(20, 30)).save(path, exif=exif)
    assert read_pixels(path, tmp_path).shape == (30, 20, 3)
    for length in range(6, len(exif) - 8):
        Image.fromarray(make_picture(20, 30)).save(path, exif=exif[:length])
        assert read_pixels(path, tmp_path).shape[0] in (20, 30)


# Adobe's transform 2 makes the same bytes YCCK.
def test_jpeg_ycck(tmp_path):
    path = tmp_path / "picture.jpg"
    Image.frombytes("CMYK", (41, 23), make_picture(23, 41, 4).tobytes()).save(path)
    data = bytearray(path.read_bytes())
    adobe = data.index(b"Adobe")
    data[adobe + 11] = 2
    path.write_bytes(data)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_pixels(path, tmp_path), expected)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("source", ["L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", MODES)
@pytest.mark.parametrize("filter", [Image.NEAREST, Image.BILINEAR, Image.LANCZOS])
def test_channels(tmp_path, source, channels, filter):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(40, 50, 4), "RGBA").convert(source).save(path)
    with Image.open(path) as image:
        converted = image.convert("RGBA" if channels % 2 == 0 else "RGB").convert(MODES[channels])
        resized = converted.resize((31, 17), filter)
    expected = np.asarray(resized, np.float32).reshape(17, 31, channels)
    pixels = read_input(path, tmp_path, channels, 17, 31, "--resize", 17, 31, "--filter", int(filter))
    np.testing.assert_array_equal(pixels, expected)


# A transparent colour, and transparent entries of a palette, are alpha.
@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("mode, transparency", [("L", 100), ("RGB", (1, 2, 3)), ("P", b"\0\x80\xff")])
def test_transparency(tmp_path, mode, transparency):
    path = tmp_path / "picture.png"
    image = Image.fromarray(make_picture(9, 9)).convert(mode)
    image.putpixel((0, 0), 100 if mode == "L" else 1 if mode == "P" else (1, 2, 3))
    image.save(path, transparency=transparency)
    with Image.open(path) as opened:
        expected = np.asarray(opened.convert("RGBA"), np.float32)
    np.testing.assert_array_equal(read_input(path, tmp_path, 4, 9, 9), expected)


def test_blue_first(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(9, 7)).save(path)
    np.testing.assert_array_equal(read_input(path, tmp_path, 3, 9, 7, "--bgr"), make_picture(9, 7)[..., ::-1])


def hugging_face_size(height, width, shortest, longest):
    """transformers.image_transforms.get_size_with_aspect_ratio."""
    raw = None
    if max(height, width) / min(height, width) * shortest > longest:
        raw = longest * min(height, width) / max(height, width)
        shortest = round(raw)
    if width < height:
        return (int(raw * height / width) if raw else int(shortest * height / width)), shortest
    return shortest, (int(raw * width / height) if raw else int(shortest * width / height))


# Of wide pictures the size is that of DETR's processor; zeros surround it.
@pytest.mark.parametrize("height, width", [(60, 90), (30, 97), (40, 67), (100, 100), (33, 33)])
@pytest.mark.parametrize("pad", [1, 3])
def test_inside(tmp_path, height, width, pad):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(height, width)).save(path)
    inside = hugging_face_size(height, width, 48, 80)
    resized = np.asarray(Image.fromarray(make_picture(height, width)).resize(inside[::-1], Image.BILINEAR))
    top, left = ((48 - inside[0]) // 2, (80 - inside[1]) // 2) if pad == 3 else (0, 0)
    expected = np.zeros((48, 80, 3), np.float32)
    expected[top : top + inside[0], left : left + inside[1]] = resized
    pixels = read_input(path, tmp_path, 3, 48, 80, "--resize", 48, 80, "--inside", "--pad", pad)
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("height, width", [(13, 9), (3, 16), (16, 16), (1, 1)])
def test_mirror_padding(tmp_path, height, width):
    path = tmp_path / "picture.png"
    Image.fromarray(make_picture(height, width)).save(path)
    expected = np.pad(make_picture(height, width), [(0, 16 - height), (0, 16 - width), (0, 0)], "symmetric")
    np.testing.assert_array_equal(read_input(path, tmp_path, 3, 16, 16, "--pad", 2), expected)


def interpolation_matrix(out, length, cubic):
    """What PyTorch multiplies a side by without antialias; taps beyond the edge are clamped to it."""
    matrix = np.zeros((out, length))
    for i in range(out):
        position = (i + 0.5) * length / out - 0.5
        for j in range(int(np.floor(position)) - 1, int(np.floor(position)) + 3):
            x, a = abs(position - j), -0.75
            weight = max(0.0, 1 - x)
            if cubic:
                weight = ((a + 2) * x - (a + 3)) * x * x + 1 if x <= 1 else ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
            matrix[i, min(max(j, 0), length - 1)] += weight
    return matrix


# Of so little contrast that bicubic stays between black and white after its first pass.
@pytest.mark.parametrize("filter", [Image.BILINEAR, Image.BICUBIC])
@pytest.mark.parametrize("size", [(4, 5), (12, 10), (7, 3)])
def test_without_antialias(tmp_path, filter, size):
    path = tmp_path / "picture.png"
    source = 64 + make_picture(7, 9) // 2
    Image.fromarray(source).save(path)
    rows, columns = (interpolation_matrix(*sides, filter == Image.BICUBIC) for sides in zip(size, (7, 9)))
    expected = np.einsum("yh,hwc,xw->yxc", rows, source.astype(np.float64), columns)
    pixels = read_input(path, tmp_path, 3, *size, "--resize", *size, "--plain", "--filter", int(filter))
    assert np.abs(pixels - expected.round()).max() <= 1


# What torch.nn.functional.interpolate(mode="bilinear", antialias=False) gave for the red of these 7 x 9 pixels.
def test_bilinear_of_pytorch(tmp_path):
    path = tmp_path / "picture.png"
    index = np.arange(7 * 9 * 3).reshape(7, 9, 3)
    Image.fromarray(((index * 37 + index // 3 * 11) % 256).astype(np.uint8)).save(path)
    expected = [
        [77, 168, 164, 147, 129],
        [104, 118, 133, 142, 150],
        [99, 69, 39, 47, 190],
        [145, 141, 136, 119, 102],
    ]
    pixels = read_input(path, tmp_path, 3, 4, 5, "--resize", 4, 5, "--plain", "--filter", int(Image.BILINEAR))
    assert np.abs(pixels[..., 0] - expected).max() <= 1
