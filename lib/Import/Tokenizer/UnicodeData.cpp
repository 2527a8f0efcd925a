//===- UnicodeData.cpp - What Unicode says, for tables --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnicodeData.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <tuple>

using namespace vitc;
using namespace vitc::import_;

static rt::GraphemeBreak getGraphemeBreak(UChar32 character) {
  using Break = rt::GraphemeBreak;
  switch (u_getIntPropertyValue(character, UCHAR_GRAPHEME_CLUSTER_BREAK)) {
  case U_GCB_CR:
    return Break::Cr;
  case U_GCB_LF:
    return Break::Lf;
  case U_GCB_CONTROL:
    return Break::Control;
  case U_GCB_EXTEND:
    return Break::Extend;
  case U_GCB_ZWJ:
    return Break::ZeroWidthJoiner;
  case U_GCB_REGIONAL_INDICATOR:
    return Break::RegionalIndicator;
  case U_GCB_PREPEND:
    return Break::Prepend;
  case U_GCB_SPACING_MARK:
    return Break::SpacingMark;
  case U_GCB_L:
    return Break::HangulL;
  case U_GCB_V:
    return Break::HangulV;
  case U_GCB_T:
    return Break::HangulT;
  case U_GCB_LV:
    return Break::HangulLV;
  case U_GCB_LVT:
    return Break::HangulLVT;
  default:
    return Break::Other;
  }
}

/// Whether Unicode had the character in its version `major`.
static bool isInVersion(UChar32 character, uint8_t major) {
  UVersionInfo age;
  u_charAge(character, age);
  return age[0] > 0 && age[0] <= major;
}

/// Classes of characters have what Hugging Face's tokenizers have, which models
/// have been trained with: some are those of an older Unicode.
static uint16_t getFlags(UChar32 character) {
  // Punctuation of Unicode 8 that is something else since.
  constexpr UChar32 canadianChiSign = 0x166D, sharadaSandhiMark = 0x111C9;
  constexpr uint8_t categoriesVersion = 8, marksVersion = 9;
  uint32_t mask = U_MASK(u_charType(character));
  bool isOld = isInVersion(character, categoriesVersion);
  auto has = [&](UProperty property) {
    return u_hasBinaryProperty(character, property) != 0;
  };
  uint16_t flags = 0;
  auto set = [&](rt::UnicodeFlag flag, bool isSet) {
    flags |= isSet ? flag : 0;
  };
  set(rt::kLetter, mask & U_GC_L_MASK);
  set(rt::kNumber, mask & U_GC_N_MASK);
  set(rt::kWhitespace, has(UCHAR_WHITE_SPACE));
  // Unicode Technical Standard #18, annex C.
  set(rt::kWordCharacter,
      has(UCHAR_ALPHABETIC) || has(UCHAR_JOIN_CONTROL) ||
          (mask & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)));
  set(rt::kPictographic, has(UCHAR_EXTENDED_PICTOGRAPHIC));
  set(rt::kPunctuation, (isOld && (mask & U_GC_P_MASK)) ||
                            character == canadianChiSign ||
                            character == sharadaSandhiMark ||
                            (character < 0x80 && (mask & U_GC_S_MASK)));
  set(rt::kNonspacing,
      isOld && character != sharadaSandhiMark && (mask & U_GC_MN_MASK));
  set(rt::kMark, isInVersion(character, marksVersion) && (mask & U_GC_M_MASK));
  set(rt::kControl,
      isOld && (mask & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)));
  return flags;
}

static bool isHangulSyllable(UChar32 character) {
  return character >= 0xAC00 && character <= 0xD7A3;
}

namespace {
/// Collects records and the mappings that they refer to, each once.
class Builder {
public:
  UnicodeData build();

private:
  uint16_t addRecord(UChar32 character);
  rt::UnicodeString addString(std::vector<uint32_t> string);
  rt::UnicodeString decompose(const UNormalizer2 *normalizer,
                              UChar32 character);
  void addComposition(UChar32 character);

  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2 *canonical = unorm2_getNFCInstance(&status);
  const UNormalizer2 *compatible = unorm2_getNFKCInstance(&status);
  UnicodeData data;
  std::map<std::vector<uint32_t>, uint32_t> strings;
  std::map<std::array<char, sizeof(rt::UnicodeRecord)>, uint16_t> records;
};
} // namespace

rt::UnicodeString Builder::addString(std::vector<uint32_t> string) {
  if (string.empty())
    return {0, 0};
  auto [it, isNew] = strings.try_emplace(string, data.characters.size());
  if (isNew)
    data.characters.insert(data.characters.end(), string.begin(), string.end());
  return {it->second, uint32_t(string.size())};
}

rt::UnicodeString Builder::decompose(const UNormalizer2 *normalizer,
                                     UChar32 character) {
  // No character's is longer than 18 units.
  std::array<UChar, 64> units;
  UErrorCode error = U_ZERO_ERROR;
  int32_t size = unorm2_getDecomposition(normalizer, character, units.data(),
                                         units.size(), &error);
  if (size < 0 || U_FAILURE(error) || isHangulSyllable(character))
    return addString({});
  std::vector<uint32_t> string;
  for (int32_t i = 0; i < size;) {
    UChar32 next;
    U16_NEXT(units.data(), i, size, next);
    string.push_back(next);
  }
  return addString(std::move(string));
}

uint16_t Builder::addRecord(UChar32 character) {
  rt::UnicodeRecord record;
  std::memset(&record, 0, sizeof(record));
  record.flags = getFlags(character);
  record.combiningClass = u_getCombiningClass(character);
  record.graphemeBreak = uint8_t(getGraphemeBreak(character));
  // The one character whose lower case in every language is two.
  constexpr UChar32 capitalIWithDot = 0x130;
  if (character == capitalIWithDot)
    record.lower = addString({'i', 0x307});
  else if (UChar32 lower = u_tolower(character); lower != character)
    record.lower = addString({uint32_t(lower)});
  record.canonical = decompose(canonical, character);
  record.compatible = decompose(compatible, character);

  std::array<char, sizeof(record)> key;
  std::memcpy(key.data(), &record, sizeof(record));
  auto [it, isNew] = records.try_emplace(key, data.records.size());
  if (isNew)
    data.records.push_back(record);
  return it->second;
}

/// Notes the pair that composes to `character`, if there is one.
void Builder::addComposition(UChar32 character) {
  std::array<UChar, 64> units;
  UErrorCode error = U_ZERO_ERROR;
  int32_t size = unorm2_getRawDecomposition(canonical, character, units.data(),
                                            units.size(), &error);
  if (size <= 0 || U_FAILURE(error) || isHangulSyllable(character))
    return;
  UChar32 first, second;
  int32_t place = 0;
  U16_NEXT(units.data(), place, size, first);
  if (place == size)
    return;
  U16_NEXT(units.data(), place, size, second);
  // Some are excluded from composition.
  if (unorm2_composePair(canonical, first, second) == character)
    data.compositions.push_back(
        {uint32_t(first), uint32_t(second), uint32_t(character)});
}

UnicodeData Builder::build() {
  std::map<std::vector<uint16_t>, uint16_t> blocks;
  for (uint32_t begin = 0; begin < rt::kCodePoints;
       begin += rt::kUnicodeBlock) {
    std::vector<uint16_t> block;
    for (uint32_t i = 0; i < rt::kUnicodeBlock; ++i) {
      block.push_back(addRecord(begin + i));
      addComposition(begin + i);
    }
    auto [it, isNew] = blocks.try_emplace(block, blocks.size());
    if (isNew)
      data.index.insert(data.index.end(), block.begin(), block.end());
    data.blocks.push_back(it->second);
  }
  std::sort(data.compositions.begin(), data.compositions.end(),
            [](const rt::UnicodePair &a, const rt::UnicodePair &b) {
              return std::tie(a.first, a.second) < std::tie(b.first, b.second);
            });
  return std::move(data);
}

const UnicodeData &vitc::import_::getUnicodeData() {
  static const UnicodeData data = Builder().build();
  return data;
}
