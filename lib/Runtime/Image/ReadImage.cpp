//===- ReadImage.cpp - Read a picture file of either format ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image/Codec.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace vitc::rt;

/// A bound for pipes and devices that never end; no picture of kMaxPixels
/// needs more.
static constexpr size_t kMaxFileBytes = size_t{1} << 30;
static constexpr size_t kReadBytes = size_t{1} << 20;

static constexpr uint8_t kJpegMagic[] = {0xFF, 0xD8, 0xFF};
static constexpr uint8_t kPngMagic[] = {0x89, 'P',  'N',  'G',
                                        '\r', '\n', 0x1A, '\n'};

template <size_t N>
static bool startsWith(const std::vector<uint8_t> &bytes,
                       const uint8_t (&magic)[N]) {
  return bytes.size() >= N && std::memcmp(bytes.data(), magic, N) == 0;
}

std::string vitc::rt::decapitalize(std::string message) {
  // "PNG", "IDAT" and other names stay as they are.
  if (message.size() > 1 && !std::isupper(static_cast<uint8_t>(message[1])))
    message[0] = std::tolower(static_cast<uint8_t>(message[0]));
  return message;
}

bool vitc::rt::checkPixelCount(int64_t height, int64_t width,
                               std::string &error) {
  if (height < 1 || width < 1) {
    error =
        fmt::format("picture has {} x {} pixels; both sides need at least one",
                    height, width);
    return false;
  }
  if (height > kMaxPixels / width) {
    error = fmt::format("picture has {} x {} pixels; the most is {} in all",
                        height, width, kMaxPixels);
    return false;
  }
  return true;
}

namespace {
class InputFile {
public:
  explicit InputFile(const char *path)
      : descriptor(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~InputFile() {
    if (descriptor >= 0)
      close(descriptor);
  }
  InputFile(const InputFile &) = delete;

  bool isOpen() const { return descriptor >= 0; }

  /// Appends up to `count` bytes. Returns how many, 0 at the end, -1 with errno
  /// set on failure.
  ssize_t read(std::vector<uint8_t> &bytes, size_t count) {
    size_t oldSize = bytes.size();
    bytes.resize(oldSize + count);
    ssize_t numRead;
    do
      numRead = ::read(descriptor, bytes.data() + oldSize, count);
    while (numRead < 0 && errno == EINTR);
    bytes.resize(oldSize + (numRead > 0 ? numRead : 0));
    return numRead;
  }

private:
  int descriptor;
};
} // namespace

/// Reads a file that starts like a picture; anything else is refused by its
/// first bytes.
static bool readFile(const char *path, std::vector<uint8_t> &bytes,
                     std::string &error) {
  InputFile file(path);
  if (!file.isOpen()) {
    error = fmt::format("cannot open the picture: {}",
                        decapitalize(std::strerror(errno)));
    return false;
  }
  ssize_t numRead;
  while ((numRead = file.read(bytes, kReadBytes)) > 0) {
    if (bytes.size() >= sizeof(kPngMagic) && !startsWith(bytes, kPngMagic) &&
        !startsWith(bytes, kJpegMagic))
      break;
    if (bytes.size() > kMaxFileBytes) {
      error = fmt::format("picture file has more than {} bytes, the most that "
                          "are read",
                          kMaxFileBytes);
      return false;
    }
  }
  if (numRead < 0) {
    error = fmt::format("cannot read the picture: {}",
                        decapitalize(std::strerror(errno)));
    return false;
  }
  return true;
}

static bool decodeImage(const std::vector<uint8_t> &bytes, Image &image,
                        std::vector<uint8_t> &exif, std::string &error) {
  ImageBytes file = {bytes.data(), bytes.size()};
  if (startsWith(bytes, kJpegMagic))
    return decodeJpeg(file, image, exif, error);
  if (startsWith(bytes, kPngMagic))
    return decodePng(file, image, exif, error);
  if (bytes.empty()) {
    error = "file is empty; a JPEG or PNG picture is needed";
    return false;
  }
  auto last = bytes.begin() + std::min<size_t>(bytes.size(), 8);
  error = fmt::format(
      "file starts with the bytes {:02x}; a JPEG or PNG picture is needed",
      fmt::join(bytes.begin(), last, " "));
  return false;
}

bool vitc::rt::readImage(const char *path, Image &image, std::string &error) {
  bool success;
  try {
    std::vector<uint8_t> bytes, exif;
    success =
        readFile(path, bytes, error) && decodeImage(bytes, image, exif, error);
    if (success)
      image = applyOrientation(std::move(image), readOrientation(exif));
  } catch (const std::bad_alloc &) {
    error = "not enough memory to decode the picture";
    success = false;
  }
  if (!success)
    error = fmt::format("{}: {}", path, error);
  return success;
}
