//===- TmaTest.cpp - Tiles, mbarriers and proxies -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

#include "TensorMap.h"

#include <cstring>

using namespace vitc::emulator;

/// Copies a tile to shared memory, from there word by word to %words and as a
/// tile to the matrix of %to.
static constexpr const char *kCopy = R"(
@smem = external addrspace(3) global [0 x i8], align 1024

define ptx_kernel void @copy(ptr byval([128 x i8]) align 64 %from,
                             ptr byval([128 x i8]) align 64 %to,
                             ptr addrspace(1) %words, i32 %x, i32 %y,
                             i32 %bytes, i32 %numWords) {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %barrier = getelementptr i8, ptr addrspace(3) @smem, i32 8192
  %isFirst = icmp eq i32 %tid, 0
  br i1 %isFirst, label %load, label %loaded
load:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %barrier, i32 1) ; make
  call void @llvm.nvvm.fence.mbarrier_init.release.cluster()
  call void asm sideeffect "mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;", "l,r"(ptr addrspace(3) %barrier, i32 %bytes)
  call void asm sideeffect "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "l,l,r,r,l"(ptr addrspace(3) @smem, ptr %from, i32 %x, i32 %y, ptr addrspace(3) %barrier)
  br label %loaded
loaded:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; it is made
  call void asm sideeffect "{\0A\09.reg .pred P1;\0A\09LAB_WAIT:\0A\09mbarrier.try_wait.parity.shared.b64 P1, [$0], $1;\0A\09@P1 bra DONE;\0A\09bra LAB_WAIT;\0A\09DONE:\0A\09}", "l,r"(ptr addrspace(3) %barrier, i32 0) ; the tile is here
  br label %next
next:
  %i = phi i32 [ %tid, %loaded ], [ %nextI, %next ]
  %word = getelementptr i32, ptr addrspace(3) @smem, i32 %i
  %value = load i32, ptr addrspace(3) %word
  %target = getelementptr i32, ptr addrspace(1) %words, i32 %i
  store i32 %value, ptr addrspace(1) %target
  store i32 %value, ptr addrspace(3) %word
  %nextI = add i32 %i, 64
  %hasNext = icmp ult i32 %nextI, %numWords
  br i1 %hasNext, label %next, label %written
written:
  call void @llvm.nvvm.fence.proxy.async.shared_cta() ; for the other proxy
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; all have written
  br i1 %isFirst, label %store, label %done
store:
  call void asm sideeffect "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [$0, {$1, $2}], [$3];", "l,r,r,l"(ptr %to, i32 %x, i32 %y, ptr addrspace(3) @smem)
  call void @llvm.nvvm.cp.async.bulk.commit.group()
  call void @llvm.nvvm.cp.async.bulk.wait.group(i32 0) ; it has left
  store i32 0, ptr addrspace(3) @smem
  br label %done
done:
  ret void
}
)";

namespace {
class TmaTest : public EmulatorTest {
protected:
  /// A matrix of 20 x 96 numbers of 16 bits, of which tiles have 16 rows.
  static constexpr int kRows = 20, kColumns = 96, kTileRows = 16;

  std::string copy(llvm::StringRef text, uint32_t swizzleBytes,
                   uint32_t tileColumns, int32_t x, int32_t y,
                   int32_t extraBytes = 0) {
    std::string error = load(text);
    if (!error.empty())
      return error;
    std::vector<uint16_t> values(kRows * kColumns);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = i + 1;
    TensorMap map{};
    map.address =
        reinterpret_cast<uintptr_t>(memory.copy<uint16_t>("from", values));
    map.size[0] = kColumns;
    map.size[1] = kRows;
    map.rowBytes = kColumns * 2;
    map.tile[0] = tileColumns;
    map.tile[1] = kTileRows;
    map.elementBytes = 2;
    map.swizzleBytes = swizzleBytes;
    change(map);
    TensorMap target = map;
    written = memory.allocate<uint16_t>("to", values.size());
    target.address = reinterpret_cast<uintptr_t>(written);
    uint32_t bytes = kTileRows * tileColumns * 2;
    halves = memory.allocate<uint16_t>("halves", bytes / 2);
    LaunchOptions options;
    options.block = {64};
    options.dynamicSharedBytes = 8208;
    options.seed = seed;
    return launch("copy", options, map, target, halves, x, y,
                  bytes + extraBytes, bytes / 4);
  }
  static uint16_t getValue(int row, int column) {
    bool inside = row >= 0 && row < kRows && column >= 0 && column < kColumns;
    return inside ? row * kColumns + column + 1 : 0;
  }
  void expectError(llvm::StringRef expected, const std::string &error) {
    EXPECT_NE(error.find(expected.str()), error.npos)
        << "has: " << error << "\nnot: " << expected.str();
  }

  /// What a test does to the tensor map.
  std::function<void(TensorMap &)> change = [](TensorMap &) {};
  uint16_t *halves = nullptr, *written = nullptr;
};
} // namespace

// In and past the matrix; of a row's pieces of 16 bytes, piece p is at place
// p ^ row % 8 under a swizzle of 128 bytes, p ^ row / 2 % 4 and so on.
TEST_F(TmaTest, tilesAndSwizzles) {
  for (uint32_t swizzleBytes : {0, 32, 64, 128})
    for (auto [x, y] : {std::pair(0, 0), {80, 12}, {-8, -3}}) {
      int columns = swizzleBytes ? swizzleBytes / 2 : 24;
      ASSERT_EQ(copy(kCopy, swizzleBytes, columns, x, y), "");
      for (int row = 0; row < kTileRows; ++row)
        for (int column = 0; column < columns; ++column) {
          int piece = column / 8;
          if (swizzleBytes)
            piece ^= row * columns / 64 % (columns / 8);
          ASSERT_EQ(halves[row * columns + piece * 8 + column % 8],
                    getValue(y + row, x + column))
              << swizzleBytes << ": " << row << ", " << column;
        }
      for (int row = 0; row < kRows; ++row)
        for (int column = 0; column < kColumns; ++column) {
          bool inTile = row >= y && row < y + kTileRows && column >= x &&
                        column < x + columns;
          ASSERT_EQ(written[row * kColumns + column],
                    inTile ? getValue(row, column) : 0xffff);
        }
    }
}

TEST_F(TmaTest, readsBeforeTheTileIsHere) {
  expectError("to which a TMA load copies with no wait since",
              copy(withoutLine(kCopy, "; the tile is here"), 128, 64, 0, 0));
}

TEST_F(TmaTest, storesWhatTheOtherProxyDoesNotSee) {
  expectError("wrote with no fence.proxy.async since, at 'call void asm "
              "sideeffect \"cp.async.bulk.tensor.2d.global",
              copy(withoutLine(kCopy, "; for the other proxy"), 128, 64, 0, 0));
}

TEST_F(TmaTest, storesBeforeOthersWrote) {
  expectError("with no barrier between",
              copy(withoutLine(kCopy, "; all have written"), 128, 64, 0, 0));
}

TEST_F(TmaTest, writesOverWhatAStoreReads) {
  expectError("writes byte 0 of shared memory, which a wgmma or TMA store that "
              "nobody waited for still reads",
              copy(withoutLine(kCopy, "; it has left"), 128, 64, 0, 0));
}

TEST_F(TmaTest, returnsBeforeItsStoreHasLeft) {
  std::string text = withoutLine(kCopy, "; it has left");
  expectError("thread 0 (0, 0, 0) returns while a TMA store that it started "
              "still reads shared memory",
              copy(withoutLine(text, "store i32 0, ptr addrspace(3) @smem"),
                   128, 64, 0, 0));
}

TEST_F(TmaTest, expectsOtherBytes) {
  expectError("deadlock, 64 of 64 threads wait; 0-63 for the end of an "
              "mbarrier's phase 0",
              copy(kCopy, 128, 64, 0, 0, /*extraBytes=*/16));
  expectError("the mbarrier at byte 8192 lacks 0 of 1 arrivals and -16 bytes",
              copy(kCopy, 128, 64, 0, 0, /*extraBytes=*/-16));
}

TEST_F(TmaTest, mbarrierThatNobodyMade) {
  expectError("uses an mbarrier at byte 8192 of shared memory, where none was "
              "made",
              copy(withoutLine(kCopy, "; make"), 128, 64, 0, 0));
  std::string error = copy(withoutLine(kCopy, "; it is made"), 128, 64, 0, 0);
  EXPECT_TRUE(error.find("where none was made") != error.npos ||
              error.find("makes with no barrier between") != error.npos)
      << error;
}

// As when a tile's place overlaps it.
TEST_F(TmaTest, tileOverAnMBarrier) {
  std::string text = kCopy;
  size_t place = text.find("i32 8192");
  text.replace(place, 8, "i32 0");
  expectError("writes byte 0 of shared memory, which belongs to an mbarrier",
              copy(text, 128, 64, 0, 0));
}

TEST_F(TmaTest, mapsThatAreWrong) {
  change = [](TensorMap &map) { map.rowBytes = 200; };
  expectError("tensor map has rows 200 bytes apart, which is not a multiple of "
              "16",
              copy(kCopy, 128, 64, 0, 0));
  change = [](TensorMap &map) { map.tile[1] = 257; };
  expectError("tensor map has a tile of 257 x 64; each size is 1 to 256",
              copy(kCopy, 128, 64, 0, 0));
  change = [](TensorMap &map) { map.swizzleBytes = 64; };
  expectError("tensor map has tiles with rows of 128 bytes, where 64 are "
              "swizzled",
              copy(kCopy, 128, 64, 0, 0));
  change = [](TensorMap &map) { map.tile[0] = 4; };
  expectError("tensor map has tiles with rows of 8 bytes, which is not a "
              "multiple of 16",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.address += 8; };
  expectError("tensor map has an address that is not a multiple of 16",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.magic = 0; };
  expectError("copies by something that is no tensor map",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.size[1] = kRows + 1; };
  expectError("past the end of 'from'", copy(kCopy, 0, 64, 0, 0));
}

TEST_F(TmaTest, mapsThatAreIncomplete) {
  change = [](TensorMap &map) { map.address = 0; };
  expectError("tensor map has no address", copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.elementBytes = 3; };
  expectError("tensor map has elements of 3 bytes; 1, 2, 4 or 8 are needed",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.size[1] = 0; };
  expectError("tensor map has a matrix of 0 x 96; each size is 1 to",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.rowBytes = 176; };
  expectError("tensor map has rows 176 bytes apart, of 192 bytes",
              copy(kCopy, 0, 64, 0, 0));
  change = [](TensorMap &map) { map.swizzleBytes = 48; };
  expectError("tensor map has 48 bytes swizzled; 0, 32, 64 or 128 are needed",
              copy(kCopy, 0, 24, 0, 0));
}

// Two tiles with an mbarrier each: who waits for one does not know of the
// other, whichever comes first.
TEST_F(TmaTest, waitForAnotherTile) {
  std::string text = kCopy,
              wait = text.substr(text.find("  call void asm sideeffect \"{"));
  wait = wait.substr(0, wait.find(" ; the tile"));
  auto useSecond = [](std::string line) {
    line.replace(line.find("%barrier"), 8, "%barrier2");
    return line;
  };
  text.insert(text.find("  %isFirst ="), R"(
  %barrier2 = getelementptr i8, ptr addrspace(3) @smem, i32 8200
  %tile2 = getelementptr i8, ptr addrspace(3) @smem, i32 4096
)");
  text.insert(text.find("  br label %loaded"), R"(
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %barrier2, i32 1)
  call void asm sideeffect "mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;", "l,r"(ptr addrspace(3) %barrier2, i32 %bytes)
  call void asm sideeffect "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "l,l,r,r,l"(ptr addrspace(3) %tile2, ptr %from, i32 %x, i32 %y, ptr addrspace(3) %barrier2)
)");
  text.insert(text.find("  br label %next\n"),
              useSecond(wait) + " ; the second tile is here\n");
  std::string word = "%word = getelementptr i32, ptr addrspace(3) @smem";
  text.replace(text.find(word), word.size(),
               "%word = getelementptr i32, ptr addrspace(3) %tile2");
  bool sawRace = false;
  for (seed = 0; seed < 8; ++seed) {
    ASSERT_EQ(copy(text, 0, 24, 0, 0), "");
    EXPECT_EQ(halves[30], getValue(1, 6));
    std::string error =
        copy(withoutLine(text, "; the second tile is here"), 0, 24, 0, 0);
    bool isRace = error.find("which a TMA load writes with no barrier "
                             "between") != error.npos;
    sawRace |= isRace;
    EXPECT_TRUE(isRace || error.find("to which a TMA load copies with no wait "
                                     "since") != error.npos)
        << error;
  }
  EXPECT_TRUE(sawRace) << "the second tile never came first";
}

// A fence after the barrier is not known to the thread that stores the tile.
TEST_F(TmaTest, fenceThatComesTooLate) {
  std::string text = withoutLine(kCopy, "; for the other proxy");
  size_t place = text.find("; all have written\n");
  text.insert(place + 19,
              "  call void @llvm.nvvm.fence.proxy.async.shared_cta()\n");
  for (seed = 0; seed < 8; ++seed)
    expectError("wrote with no fence.proxy.async since",
                copy(text, 128, 64, 0, 0));
}

TEST_F(TmaTest, misalignedTile) {
  std::string text = kCopy;
  size_t place = text.find("(ptr addrspace(3) @smem, ptr %from");
  text.replace(place, 23, "(ptr addrspace(3) %off");
  place =
      text.find("  call void asm sideeffect \"cp.async.bulk.tensor.2d.shared");
  text.insert(place,
              "  %off = getelementptr i8, ptr addrspace(3) @smem, i32 512\n");
  expectError("which must be a multiple of 1024", copy(text, 128, 64, 0, 0));
}

TEST_F(TmaTest, outsideOfSharedMemory) {
  change = [](TensorMap &map) { map.tile[1] = 80; };
  expectError("copies a tile of 10240 bytes at byte 0 of shared memory, which "
              "has 8208",
              copy(kCopy, 128, 64, 0, 0));
  for (auto [from, expected] :
       {std::pair("@llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) %barrier",
                  "makes an mbarrier outside of shared memory"),
        {"[$0], $1;\", \"l,r\"(ptr addrspace(3) %barrier",
         "uses an mbarrier outside of shared memory"}}) {
    std::string text = kCopy;
    size_t place = text.find(from) + strlen(from) - strlen("%barrier");
    text.replace(place, strlen("%barrier"), "%off");
    text.insert(
        text.find("  %isFirst ="),
        "  %off = getelementptr i8, ptr addrspace(3) @smem, i32 8208\n");
    expectError(expected, copy(text, 128, 64, 0, 0));
  }
}

TEST_F(TmaTest, beforeSharedMemory) {
  std::string text = kCopy;
  size_t place = text.find("(ptr addrspace(3) @smem, ptr %from");
  text.replace(place, 23, "(ptr addrspace(3) %off");
  text.insert(text.find("  %isFirst ="),
              "  %off = getelementptr i8, ptr addrspace(3) @smem, i32 -1024\n");
  expectError("copies a tile of 2048 bytes at byte -1024 of shared memory",
              copy(text, 128, 64, 0, 0));
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  expectError("makes an mbarrier outside of shared memory",
              run("call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) "
                  "getelementptr (i8, ptr addrspace(3) @smem, i32 -8), i32 1)",
                  1, 8));
  expectError("uses an mbarrier outside of shared memory",
              run("%s = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr "
                  "addrspace(3) getelementptr (i8, ptr addrspace(3) @smem, "
                  "i32 -8))",
                  1, 8));
}

// Warp 1 arrives for each of its threads, warp 0 with one count of 32: two
// phases.
TEST_F(TmaTest, countsAndPhases) {
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  const std::string kernel = R"(
  %slot = and i32 %tid, 31
  %isFirst = icmp eq i32 %tid, 0
  %isHigh = icmp ugt i32 %tid, 31
  %data = getelementptr i8, ptr addrspace(3) @smem, i32 8
  %word = getelementptr i32, ptr addrspace(3) %data, i32 %slot
  %to = getelementptr i32, ptr addrspace(1) %p, i32 %slot
  br i1 %isFirst, label %make, label %made
make:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @smem, i32 32)
  br label %made
made:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %isHigh, label %produce, label %consume
produce:
  store i32 %tid, ptr addrspace(3) %word
  %a = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) @smem)
  %w = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @smem, i32 0)
  %x = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @smem, i32 1) ; read
  store i32 0, ptr addrspace(3) %word
  br label %done
consume:
  %y = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @smem, i32 0) ; written
  %v = load i32, ptr addrspace(3) %word
  store i32 %v, ptr addrspace(1) %to
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  br i1 %isFirst, label %arrive, label %done
arrive:
  %b = call i64 @llvm.nvvm.mbarrier.arrive.scope.cta.space.cta(ptr addrspace(3) @smem, i32 32)
  br label %done
done:)";
  for (seed = 0; seed < 4; ++seed) {
    ASSERT_EQ(run(kernel, 64, 136), "");
    EXPECT_EQ(words[31], 63u);
    EXPECT_NE(run(withoutLine(kernel, "; read"), 64, 136), "");
    EXPECT_NE(run(withoutLine(kernel, "; written"), 64, 136), "");
  }
}

TEST_F(TmaTest, tooManyArrivals) {
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  const std::string init = "call void @llvm.nvvm.mbarrier.init.shared(ptr "
                           "addrspace(3) @smem, i32 3)\n";
  auto arrive = [&](const char *count) {
    return init +
           "call void asm sideeffect \"mbarrier.arrive.shared.b64 _, [$0], " +
           count + ";\", \"l\"(ptr addrspace(3) @smem)";
  };
  EXPECT_EQ(run(arrive("3"), 1, 8), "");
  expectError("arrives 4 times at an mbarrier that lacks 3 of 3 arrivals",
              run(arrive("4"), 1, 8));
  expectError("arrives 0 times at an mbarrier", run(arrive("0"), 1, 8));
}

TEST_F(TmaTest, mbarrierThatIsMadeTwice) {
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  const char *init = "call void @llvm.nvvm.mbarrier.init.shared(ptr "
                     "addrspace(3) @smem, i32 1)";
  // Of 33 threads the last is another warp.
  expectError("makes with no barrier between", run(init, 33, 8));
  bool wasWaitedFor = false;
  for (seed = 0; seed < 8; ++seed) {
    std::string error = run(R"(
  %isFirst = icmp eq i32 %tid, 0
  br i1 %isFirst, label %make, label %wait
make:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @smem, i32 1)
  call void @llvm.nvvm.barrier.cta.sync.all(i32 0)
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @smem, i32 1)
  br label %done
wait:
  call void @llvm.nvvm.barrier.cta.sync.all(i32 0)
  %w = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @smem, i32 0)
  br label %done
done:)",
                            32, 8);
    EXPECT_NE(error, "");
    wasWaitedFor |= error.find("makes anew the mbarrier at byte 0 of shared "
                               "memory, for which thread ") != error.npos;
  }
  EXPECT_TRUE(wasWaitedFor);
}

TEST_F(TmaTest, severalBlocks) {
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  expectError(
      "copies to several blocks of a cluster, of which there is no model",
      run("%s = addrspacecast ptr addrspace(3) @smem to ptr addrspace(7)\n"
          "%m = addrspacecast ptr addrspace(1) %q to ptr\n"
          "call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.2d(ptr "
          "addrspace(7) %s, ptr addrspace(3) @smem, ptr %m, i32 0, i32 0, i16 "
          "3, i64 0, i1 true, i1 false, i32 0)",
          1, 1024));
}

TEST_F(TmaTest, arrivals) {
  globals = "@smem = external addrspace(3) global [0 x i8], align 1024\n";
  expectError("makes an mbarrier for 0 arrivals; it takes 1 to 1048575",
              run("call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) "
                  "@smem, i32 0)",
                  1, 8));
  // Bytes hold the phase open while a thread arrives once more.
  expectError("arrives at an mbarrier at which all 1 of this phase have",
              run(R"(
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @smem, i32 1)
  call void @llvm.nvvm.mbarrier.expect.tx.scope.cta.space.cta(ptr addrspace(3) @smem, i32 16)
  %a = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) @smem)
  %b = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) @smem))",
                  1, 8));
}
