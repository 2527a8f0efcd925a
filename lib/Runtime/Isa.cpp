//===- Isa.cpp - Which instruction sets the machine has -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Isa.h"

#include "Status.h"

#include <algorithm>

using namespace vitc::rt;

bool vitc::rt::machineHasIsa(std::string_view isa) {
#if defined(__x86_64__)
  // These ask the processor and, for the wider registers, whether the system
  // saves them (XGETBV).
  __builtin_cpu_init();
  if (isa == "x86-64-v2")
    return __builtin_cpu_supports("x86-64-v2");
  if (isa == "x86-64-v3")
    return __builtin_cpu_supports("x86-64-v3");
  if (isa == "x86-64-v4")
    return __builtin_cpu_supports("x86-64-v4");
#elif defined(__aarch64__)
  if (isa == "armv8-a")
    return true;
#endif
  return false;
}

bool vitc::rt::needsGpu(const EntryDescriptor &entry) {
  return entry.numCodes > 0 && entry.codes[0].image;
}

std::string vitc::rt::listIsas(const EntryDescriptor &entry) {
  std::string list;
  for (int32_t i = 0; i < entry.numCodes; ++i)
    list.append(i ? ", " : "").append(entry.codes[i].isa);
  return list;
}

const CodeDescriptor &vitc::rt::chooseCode(const EntryDescriptor &entry,
                                           const char *isa) {
  const CodeDescriptor *begin = entry.codes, *end = begin + entry.numCodes;
  const CodeDescriptor *best = std::find_if(
      begin, end, [](const CodeDescriptor &c) { return machineHasIsa(c.isa); });
  std::string_view wanted = isa ? isa : "native";
  if (wanted == "native") {
    if (best == end)
      throw Failure(VITC_UNSUPPORTED,
                    "the machine has none of the program's ISA levels; needs "
                    "one of {}",
                    listIsas(entry));
    return *best;
  }
  const CodeDescriptor *named = std::find_if(
      begin, end, [&](const CodeDescriptor &c) { return c.isa == wanted; });
  if (named == end)
    throw Failure(VITC_UNSUPPORTED,
                  "the program has no code for ISA level '{}'; it has {}",
                  wanted, listIsas(entry));
  if (!machineHasIsa(wanted))
    throw Failure(VITC_UNSUPPORTED,
                  "the machine lacks ISA level '{}'; the best that it and the "
                  "program have is {}",
                  wanted, best == end ? "none" : best->isa);
  return *named;
}
