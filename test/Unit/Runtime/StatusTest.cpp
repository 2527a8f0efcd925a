//===- StatusTest.cpp - Errors, arenas and ISA levels ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Status.h"
#include "Arena.h"
#include "Isa.h"

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

using namespace vitc::rt;
using vitc::rt::test::FakeModel;

TEST(StatusTest, GuardTurnsExceptionsIntoStatuses) {
  vitc_error_t error = {};
  EXPECT_EQ(guard(&error, [] {}), VITC_OK);
  EXPECT_EQ(guard(&error, [] { throw Failure(VITC_IO, "{} is {}", "a", 3); }),
            VITC_IO);
  EXPECT_EQ(error.status, VITC_IO);
  EXPECT_STREQ(error.message, "a is 3");
  EXPECT_EQ(guard(&error, [] { throw std::bad_alloc(); }), VITC_OUT_OF_MEMORY);
  EXPECT_EQ(guard(&error, [] { throw 7; }), VITC_INTERNAL);
  EXPECT_EQ(guard(nullptr, [] { throw Failure(VITC_IO, "lost"); }), VITC_IO);
}

TEST(StatusTest, MessagesAreOneLineAndCutBetweenCharacters) {
  vitc_error_t error;
  reportError(&error, VITC_IO, "a\nb\tc");
  EXPECT_STREQ(error.message, "a b c");
  std::string longText(VITC_MESSAGE_SIZE - 2, 'x');
  reportError(&error, VITC_IO, longText + "\xC3\xA9");
  EXPECT_EQ(std::string(error.message), longText);
}

TEST(ArenaTest, IsAlignedZeroAndMoves) {
  for (int64_t bytes : {1, 4096, 3 << 20}) {
    Arena arena(bytes, "test");
    ASSERT_GE(arena.size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.data()) % kBufferAlignment, 0u);
    EXPECT_EQ(arena.data()[0], 0);
    EXPECT_EQ(arena.data()[arena.size() - 1], 0);
    uint8_t *data = arena.data();
    Arena other(std::move(arena));
    EXPECT_EQ(other.data(), data);
    EXPECT_EQ(arena.data(), nullptr);
  }
  EXPECT_EQ(Arena(0, "test").data(), nullptr);
}

TEST(ArenaTest, SizesThatOverflowAreRefused) {
  int64_t max = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(arenaBytes(10, 3, 4), 22);
  EXPECT_THROW(arenaBytes(0, max / 2, 3), Failure);
  EXPECT_THROW(arenaBytes(max, 1, 1), Failure);
  EXPECT_THROW(Arena(max, "test"), Failure);
  EXPECT_THROW(Arena(-1, "test"), Failure);
}

TEST(IsaTest, ChoosesTheBestOrTheNamed) {
  FakeModel model;
  const EntryDescriptor &entry = model.entries[0];
  const char *last = entry.codes[entry.numCodes - 1].isa;
  ASSERT_TRUE(machineHasIsa(last)) << "every machine has the lowest level";
  const CodeDescriptor &best = chooseCode(entry, nullptr);
  EXPECT_TRUE(machineHasIsa(best.isa));
  for (const CodeDescriptor *code = entry.codes; code != &best; ++code)
    EXPECT_FALSE(machineHasIsa(code->isa));
  EXPECT_EQ(&chooseCode(entry, "native"), &best);
  EXPECT_STREQ(chooseCode(entry, last).isa, last);
}

static std::string failureOf(const EntryDescriptor &entry, const char *isa) {
  try {
    chooseCode(entry, isa);
  } catch (const Failure &failure) {
    EXPECT_EQ(failure.getStatus(), VITC_UNSUPPORTED);
    return failure.what();
  }
  return "";
}

TEST(IsaTest, SaysWhichLevelsThereAre) {
  FakeModel model;
  EntryDescriptor entry = model.entries[0];
  CodeDescriptor alien = entry.codes[0];
  alien.isa = "z17";
  entry.codes = &alien;
  entry.numCodes = 1;
  EXPECT_EQ(failureOf(entry, nullptr), "the machine has none of the program's "
                                       "ISA levels; needs one of z17");
  EXPECT_EQ(failureOf(entry, "z17"), "the machine lacks ISA level 'z17'; the "
                                     "best that it and the program have is "
                                     "none");
  EXPECT_EQ(failureOf(entry, "z16"),
            "the program has no code for ISA level 'z16'; it has z17");
}
