//===- SourceName.cpp - The source's name of an operation -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/SourceName.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

/// Of a fused location whose first part is a prologue.
static constexpr llvm::StringLiteral kPrologue = "prologue";

static bool hasPrologue(FusedLoc loc) {
  auto mark = llvm::dyn_cast_or_null<StringAttr>(loc.getMetadata());
  return mark && mark.getValue() == kPrologue;
}

llvm::StringRef vitc::getSourceName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return getSourceName(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part :
         fused.getLocations().drop_front(hasPrologue(fused) ? 1 : 0))
      if (llvm::StringRef name = getSourceName(part); !name.empty())
        return name;
  return {};
}

llvm::SmallVector<llvm::StringRef> vitc::getSourceNames(Location loc) {
  llvm::SmallVector<llvm::StringRef> names;
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      llvm::append_range(names, getSourceNames(part));
  } else if (llvm::StringRef name = getSourceName(loc); !name.empty()) {
    names.push_back(name);
  }
  return names;
}

Location vitc::fusePrologue(Location prologue, Location loc) {
  return FusedLoc::get(loc.getContext(), {prologue, loc},
                       StringAttr::get(loc.getContext(), kPrologue));
}
