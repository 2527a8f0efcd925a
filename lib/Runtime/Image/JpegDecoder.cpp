//===- JpegDecoder.cpp - JPEG to RGB --------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The settings are libjpeg's defaults (accurate integer DCT, smooth chroma
// upsampling), which are Pillow's too. Corrupt data that libjpeg conceals with
// a warning is accepted, as Pillow does; a file that ends before its last row
// is an error. So is what libjpeg finds wrong after that row.
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio> // jpeglib.h needs FILE

#include <fmt/format.h>
#include <jpeglib.h>

using namespace vitc::rt;

/// A progressive file may hold any number of scans, each a sweep over the whole
/// picture; encoders write about ten.
static constexpr int kMaxScans = 500;

/// APP1, which holds EXIF data behind a name.
static constexpr int kExifMarker = JPEG_APP0 + 1;
static constexpr unsigned kMaxMarkerBytes = 0xFFFF;
static constexpr uint8_t kExifName[] = {'E', 'x', 'i', 'f', 0, 0};

namespace {
/// A decompressor whose callbacks find it through jpeg_decompress_struct::
/// client_data. Any error jumps to `recover`.
struct JpegReader {
  JpegReader(ImageBytes file);
  ~JpegReader() { jpeg_destroy_decompress(&decompress); }

  jpeg_decompress_struct decompress = {};
  jpeg_error_mgr errors = {};
  jpeg_source_mgr source = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf recover;
  size_t fileSize;
  bool sawEnd = false; // libjpeg asked for bytes after the last one
  bool tooManyScans = false;
};
} // namespace

static JpegReader &readerOf(j_decompress_ptr decompress) {
  return *static_cast<JpegReader *>(decompress->client_data);
}

static void onError(j_common_ptr decompress) {
  std::longjmp(static_cast<JpegReader *>(decompress->client_data)->recover, 1);
}

static boolean onEndOfFile(j_decompress_ptr decompress) {
  JpegReader &reader = readerOf(decompress);
  reader.sawEnd = true;
  std::longjmp(reader.recover, 1);
}

static void skipBytes(j_decompress_ptr decompress, long count) {
  jpeg_source_mgr &source = *decompress->src;
  if (count <= 0)
    return;
  if (static_cast<size_t>(count) > source.bytes_in_buffer)
    onEndOfFile(decompress);
  source.next_input_byte += count;
  source.bytes_in_buffer -= count;
}

static void checkScans(j_common_ptr common) {
  auto *decompress = reinterpret_cast<j_decompress_ptr>(common);
  if (decompress->input_scan_number <= kMaxScans)
    return;
  JpegReader &reader = readerOf(decompress);
  reader.tooManyScans = true;
  std::longjmp(reader.recover, 1);
}

JpegReader::JpegReader(ImageBytes file) : fileSize(file.size) {
  decompress.err = jpeg_std_error(&errors);
  errors.error_exit = onError;
  errors.output_message = [](j_common_ptr) {};
  decompress.client_data = this;

  source.next_input_byte = file.data;
  source.bytes_in_buffer = file.size;
  source.init_source = [](j_decompress_ptr) {};
  source.fill_input_buffer = onEndOfFile;
  source.skip_input_data = skipBytes;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = [](j_decompress_ptr) {};
  progress.progress_monitor = checkScans;
}

/// Says why libjpeg jumped to JpegReader::recover.
static std::string describeError(JpegReader &reader) {
  jpeg_decompress_struct &decompress = reader.decompress;
  if (reader.tooManyScans)
    return fmt::format("JPEG data has more than {} scans, the most that are "
                       "decoded",
                       kMaxScans);
  if (reader.sawEnd && decompress.output_height == 0)
    return fmt::format("JPEG file ends after {} bytes, inside its header",
                       reader.fileSize);
  if (reader.sawEnd)
    return fmt::format("JPEG file ends after {} bytes, with {} of {} rows",
                       reader.fileSize, decompress.output_scanline,
                       decompress.output_height);
  char message[JMSG_LENGTH_MAX];
  reader.errors.format_message(reinterpret_cast<j_common_ptr>(&decompress),
                               message);
  return "JPEG data is corrupt: " + decapitalize(message);
}

/// Reads up to the picture's first scan and chooses the colour space.
static bool readHeader(JpegReader &reader, std::string &error) {
  if (setjmp(reader.recover)) {
    error = describeError(reader);
    return false;
  }
  jpeg_decompress_struct &decompress = reader.decompress;
  jpeg_create_decompress(&decompress);
  decompress.src = &reader.source;
  decompress.progress = &reader.progress;
  jpeg_save_markers(&decompress, kExifMarker, kMaxMarkerBytes);
  jpeg_read_header(&decompress, TRUE);
  int components = decompress.num_components;
  if (components != 1 && components != 3 && components != 4) {
    error = fmt::format(
        "JPEG data has {} colour components; 1, 3 or 4 are needed", components);
    return false;
  }
  if (!checkPixelCount(decompress.image_height, decompress.image_width, error))
    return false;
  decompress.out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
  return true;
}

/// CMYK, inverted in the file as Adobe writes it, to RGB.
static void convertCmykRow(const uint8_t *cmyk, int width, uint8_t *rgb) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3)
    for (int c = 0; c < 3; ++c)
      rgb[c] = multiplyBytes(cmyk[c], cmyk[3]);
}

static bool hasAllRows(const jpeg_decompress_struct &decompress) {
  return decompress.output_height > 0 &&
         decompress.output_scanline == decompress.output_height;
}

/// Decodes into `rgb`. `cmykRow` has a row's bytes for a picture of four
/// components. Only the end marker may be missing.
static bool readRows(JpegReader &reader, uint8_t *rgb, uint8_t *cmykRow,
                     std::string &error) {
  jpeg_decompress_struct &decompress = reader.decompress;
  if (setjmp(reader.recover)) {
    if (reader.sawEnd && hasAllRows(decompress))
      return true;
    error = describeError(reader);
    return false;
  }
  jpeg_start_decompress(&decompress);
  size_t rowBytes = size_t{3} * decompress.output_width;
  bool isCmyk = decompress.out_color_space == JCS_CMYK;
  while (!hasAllRows(decompress)) {
    uint8_t *rgbRow = rgb + decompress.output_scanline * rowBytes;
    JSAMPROW row = isCmyk ? cmykRow : rgbRow;
    jpeg_read_scanlines(&decompress, &row, 1);
    if (isCmyk)
      convertCmykRow(cmykRow, decompress.output_width, rgbRow);
  }
  jpeg_finish_decompress(&decompress);
  return true;
}

static std::vector<uint8_t> findExif(const jpeg_decompress_struct &decompress) {
  constexpr size_t nameBytes = sizeof(kExifName);
  for (jpeg_saved_marker_ptr marker = decompress.marker_list; marker;
       marker = marker->next)
    if (marker->marker == kExifMarker && marker->data_length >= nameBytes &&
        std::equal(kExifName, kExifName + nameBytes, marker->data))
      return {marker->data + nameBytes, marker->data + marker->data_length};
  return {};
}

bool vitc::rt::decodeJpeg(ImageBytes file, Image &image,
                          std::vector<uint8_t> &exif, std::string &error) {
  JpegReader reader(file);
  if (!readHeader(reader, error))
    return false;
  std::vector<uint8_t> foundExif = findExif(reader.decompress);
  Image decoded;
  decoded.height = reader.decompress.image_height;
  decoded.width = reader.decompress.image_width;
  decoded.rgb.resize(size_t{3} * decoded.height * decoded.width);
  std::vector<uint8_t> cmykRow;
  if (reader.decompress.out_color_space == JCS_CMYK)
    cmykRow.resize(size_t{4} * decoded.width);
  if (!readRows(reader, decoded.rgb.data(), cmykRow.data(), error))
    return false;
  image = std::move(decoded);
  exif = std::move(foundExif);
  return true;
}
