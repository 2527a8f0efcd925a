//===- PtxStatement.cpp - A PTX instruction as text -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxStatement.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"

using namespace vitc::emulator;
using llvm::StringRef;

/// A `$n` or number; nothing: it is neither.
static std::optional<PtxStatement::Word> parseWord(StringRef text) {
  bool isLiteral = !text.consume_front("$");
  int64_t value;
  if (text.getAsInteger(0, value))
    return std::nullopt;
  return PtxStatement::Word{isLiteral, static_cast<uint64_t>(value)};
}

/// What the loop that waits for an mbarrier waits with, or nothing: it is none.
static std::optional<std::string> matchWaitLoop(StringRef text) {
  static llvm::Regex loop(
      R"(^\{[[:space:]]*\.reg \.pred ([A-Za-z0-9_]+);[[:space:]]*)"
      R"(([A-Za-z0-9_]+):[[:space:]]*(mbarrier\.try_wait\.parity[^ ]*) )"
      R"(([A-Za-z0-9_]+), ([^;]*);[[:space:]]*@([A-Za-z0-9_]+) bra(\.uni)? )"
      R"(([A-Za-z0-9_]+);[[:space:]]*bra(\.uni)? ([A-Za-z0-9_]+);)"
      R"([[:space:]]*([A-Za-z0-9_]+):[[:space:]]*\}$)");
  llvm::SmallVector<StringRef> part;
  if (!loop.match(text.trim(), &part))
    return std::nullopt;
  enum { Predicate = 1, Begin, Opcode, Tested, Operands, Branched };
  bool repeats = part[Predicate] == part[Tested] &&
                 part[Predicate] == part[Branched] && part[Begin] == part[10] &&
                 part[8] == part[11];
  if (!repeats)
    return std::nullopt;
  return (part[Opcode] + ".loop " + part[Operands] + ";").str();
}

/// Cuts at commas outside of braces and brackets.
static llvm::SmallVector<StringRef> splitOperands(StringRef text) {
  llvm::SmallVector<StringRef> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth +=
        (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.slice(begin, i).trim());
      begin = i + 1;
    }
  }
  StringRef last = text.substr(begin).trim();
  if (!last.empty())
    parts.push_back(last);
  return parts;
}

llvm::Expected<PtxStatement> PtxStatement::parse(StringRef text) {
  auto refuse = [&](const char *what) {
    return llvm::createStringError("inline assembly '%s' %s",
                                   text.trim().str().c_str(), what);
  };
  PtxStatement statement;
  std::optional<std::string> loop = matchWaitLoop(text);
  StringRef rest = loop ? StringRef(*loop) : text.trim();
  if (!rest.consume_back(";") || rest.contains(';'))
    return refuse("is not one PTX instruction that ends in ';'");
  if (rest.consume_front("@")) {
    statement.negated = rest.consume_front("!");
    unsigned predicate;
    if (!rest.consume_front("$") || rest.consumeInteger(10, predicate))
      return refuse("has a predicate that is not an operand");
    statement.predicate = predicate;
    rest = rest.ltrim();
  }
  size_t end = rest.find_first_of(" \t\n");
  statement.opcode = rest.take_front(end).str();
  if (end == StringRef::npos)
    return statement;
  for (StringRef part : splitOperands(rest.substr(end))) {
    std::vector<Word> &words = statement.operands.emplace_back();
    if (part == "_")
      continue;
    llvm::SmallVector<StringRef> elements;
    llvm::SplitString(part, elements, "{}[], \t\n");
    for (StringRef element : elements) {
      std::optional<Word> word = parseWord(element);
      if (!word)
        return refuse("has an operand that is neither $n, [$n] nor a number");
      words.push_back(*word);
    }
  }
  return statement;
}
