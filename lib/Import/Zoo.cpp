//===- Zoo.cpp - Named architectures with seeded weights ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Zoo.h"

#include "InputFile.h"
#include "ZooFamilies.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// Architectures that take the same keys.
struct Family {
  SmallVector<StringRef> (*getNames)();
  OwningOpRef<ModuleOp> (*import)(const ZooName &name,
                                  const ImportOptions &options, Location loc);
};

} // namespace

static constexpr Family kFamilies[] = {
    {getZooVitNames, importZooVit},
    {getZooSwinNames, importZooSwin},
    {getZooLinformerNames, importZooLinformer},
};

vit::PreprocessAttr import_::getZooPreprocess(MLIRContext &context,
                                              int64_t height, int64_t width,
                                              int64_t channels) {
  if (channels != 1 && channels != 3)
    return nullptr;
  SmallVector<double> half(channels, 0.5);
  return vit::PreprocessAttr::get(
      &context, DenseI64ArrayAttr::get(&context, {height, width}),
      /*inside=*/false, /*interpolation=*/2, /*antialias=*/true,
      /*crop=*/DenseI64ArrayAttr(), vit::Padding::None,
      FloatAttr::get(Float64Type::get(&context), 1.0 / 255.0),
      DenseF64ArrayAttr::get(&context, half),
      DenseF64ArrayAttr::get(&context, half), /*bgr=*/false,
      /*mask=*/StringAttr(), /*noise=*/StringAttr());
}

OwningOpRef<ModuleOp> import_::importZoo(StringRef name, MLIRContext &context,
                                         const ImportOptions &options) {
  Location loc = getFileLoc(("zoo:" + name).str(), context);
  auto [base, parameters] = name.split('?');
  SmallVector<StringRef> all;
  for (const Family &family : kFamilies) {
    SmallVector<StringRef> names = family.getNames();
    if (llvm::is_contained(names, base))
      return family.import({name, base, parameters}, options, loc);
    llvm::append_range(all, names);
  }
  emitError(loc) << "model '" << base << "' is not one of "
                 << llvm::join(all, ", ");
  return nullptr;
}
