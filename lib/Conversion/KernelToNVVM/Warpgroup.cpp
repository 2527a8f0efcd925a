//===- Warpgroup.cpp - Products of warpgroups -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Warpgroup.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// Of an address the bits that descriptors hold; of swizzles by 128 bytes their
/// number.
static constexpr int64_t kAddressBits = 18, kSwizzle = 1;

Value vitc::kernel::getMatrixDescriptor(DeviceBuilder &b, Value address,
                                        const MatrixLayout &layout) {
  int64_t constant = layout.leadingBytes / kDescriptorBytes << 16 |
                     layout.strideBytes / kDescriptorBytes << 32;
  if (layout.isSwizzled)
    constant |= kSwizzle << 62;
  Value bytes = LLVM::PtrToIntOp::create(b, b.getI64Type(), address);
  Value start = LLVM::AndOp::create(
      b, bytes, b.integer((int64_t(1) << kAddressBits) - 1, 64));
  Value units = LLVM::LShrOp::create(
      b, start, b.integer(llvm::Log2_64(kDescriptorBytes), 64));
  return LLVM::OrOp::create(b, units, b.integer(constant, 64));
}

Value vitc::kernel::advanceDescriptor(DeviceBuilder &b, Value descriptor,
                                      Value count) {
  return LLVM::AddOp::create(b, descriptor, b.toInteger(count, 64));
}

void vitc::kernel::startProducts(DeviceBuilder &b) {
  NVVM::WgmmaFenceAlignedOp::create(b);
}

void vitc::kernel::finishProducts(DeviceBuilder &b) {
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  // Registers are written till then, of which LLVM does not know.
  NVVM::WgmmaWaitGroupSyncOp::create(b, /*group=*/0);
}

SmallVector<Value> vitc::kernel::multiplyAdd(DeviceBuilder &b, Type element,
                                             ValueRange lhs, Value rhs,
                                             bool isTransposed,
                                             ValueRange sums) {
  size_t count = sums.size();
  auto list = [](size_t first, size_t count) {
    return llvm::join(
        llvm::map_range(llvm::seq(first, first + count),
                        [](size_t i) { return "$" + std::to_string(i); }),
        ", ");
  };
  // The results' registers hold the sums; operands follow both. Zeros are not
  // read: LLVM would write them behind the group's begin, which PTX forbids.
  bool isFirst = llvm::all_of(
      sums, [](Value sum) { return matchPattern(sum, m_AnyZeroFloat()); });
  SmallVector<Value> operands;
  std::string constraints;
  for (size_t i = 0; i < count; ++i)
    constraints += "=f,";
  if (!isFirst) {
    llvm::append_range(operands, sums);
    for (size_t i = 0; i < count; ++i)
      constraints += llvm::formatv("{0},", i);
  }
  bool isInRegisters = lhs.size() > 1;
  size_t firstOperand = count + operands.size();
  std::string left = list(firstOperand, lhs.size());
  if (isInRegisters)
    left = "{" + left + "}";
  for (size_t i = 0; i < lhs.size(); ++i)
    constraints += isInRegisters ? "r," : "l,";
  // No operand is negated. Only shared memory is transposed.
  std::string text = llvm::formatv(
      "wgmma.mma_async.sync.aligned.m64n{0}k{1}.f32.{2}.{2} {{{3}}, {4}, ${5}, "
      "{6}, 1, 1, {7}{8};",
      count * 2, kWarpgroupTerms, element.isF16() ? "f16" : "bf16",
      list(0, count), left, firstOperand + lhs.size(), isFirst ? 0 : 1,
      isInRegisters ? "" : "0, ", isTransposed ? 1 : 0);
  llvm::append_range(operands, lhs);
  operands.push_back(rhs);
  Type type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, b.getF32Type()));
  Value product =
      LLVM::InlineAsmOp::create(
          b, type, operands, text, constraints + "l",
          /*has_side_effects=*/true, /*is_align_stack=*/false,
          LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
          .getResult(0);
  SmallVector<Value> results;
  for (size_t i = 0; i < count; ++i)
    results.push_back(
        LLVM::ExtractValueOp::create(b, product, static_cast<int64_t>(i)));
  return results;
}
