//===- Tiles.h - A large picture part by part ----------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_TILES_H
#define VITC_LIB_RUNTIME_PROGRAM_TILES_H

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// Where tiles of `tile` pixels begin on a side of `picture` pixels: as few as
/// overlap by a quarter of their size, evenly spread. One begins at 0, and one
/// ends with the picture. A side that is not longer than a tile has one.
std::vector<int> getTileBegins(int picture, int tile);

/// Pixels [height, width, 3], of any range.
struct TileValues {
  int64_t height = 0, width = 0;
  std::vector<double> values;
};

/// What tiles become together: where some overlap, the mean of them, each of
/// which counts less the nearer its own edge is.
class TileCanvas {
public:
  TileCanvas(int64_t height, int64_t width);

  /// Adds what a tile became, whose first pixel is row `top` and column `left`.
  void add(const TileValues &tile, int64_t top, int64_t left);

  /// The whole; every pixel needs a tile.
  TileValues finish();

private:
  TileValues sum;
  std::vector<double> weights; // [height, width]
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_TILES_H
