//===- DeviceBuilder.cpp - Building kernels for a GPU ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceBuilder.h"

#include "../KernelToVector/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace vitc::kernel;

/// All shared memory of a block, whose size a launch says. It is external: an
/// internal array without a size becomes one byte among other globals.
static constexpr StringLiteral kSharedMemory = "smem";
/// What TMA's swizzles need at most.
static constexpr int64_t kSharedAlignment = 1024;

/// How code that every target shares sees a thread.
static CpuAttr getThreadMachine(GpuAttr gpu) {
  MLIRContext *context = gpu.getContext();
  auto text = [&](StringRef value) { return StringAttr::get(context, value); };
  return CpuAttr::get(context, gpu.getArch(), gpu.getArch(), text(""),
                      /*lanes=*/1, /*registers=*/255, /*fma=*/true);
}

DeviceContext::DeviceContext(GpuAttr gpu, gpu::GPUModuleOp module)
    : gpu(gpu), thread(getThreadMachine(gpu)), module(module), symbols(module) {
}

Type vitc::kernel::getHeldType(Type element) {
  return element.isTF32() ? Float32Type::get(element.getContext()) : element;
}

static Type getParameterType(Value argument) {
  if (argument.getType().isIndex())
    return IntegerType::get(argument.getContext(), 64);
  return LLVM::LLVMPointerType::get(argument.getContext(), kGlobalSpace);
}

DeviceBuilder::DeviceBuilder(Operation *op, StringRef name, int64_t threads,
                             DeviceContext &context)
    : VectorBuilder(op->getLoc(), op->getContext(), context.thread),
      context(context), threads(threads), blockThreads(threads) {
  SmallVector<Value> passed = getLaunchArguments(op);
  SmallVector<Type> types = llvm::map_to_vector(passed, getParameterType);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), types);
  function = LLVM::LLVMFuncOp::create(*this, name, type);
  context.symbols.insert(function); // makes the name unique
  setInsertionPointToStart(function.addEntryBlock(*this));
  thread = toIndex(NVVM::ThreadIdXOp::create(*this, getI32Type()));
  block = toIndex(NVVM::BlockIdXOp::create(*this, getI32Type()));
  for (auto [argument, parameter] : llvm::zip(passed, function.getArguments()))
    mapping.map(argument, argument.getType().isIndex() ? toIndex(parameter)
                                                       : Value(parameter));
  for (OpOperand &operand : op->getOpOperands())
    if (std::optional<int64_t> constant = getSharedConstant(operand))
      mapping.map(operand.get(), index(*constant));
}

//===----------------------------------------------------------------------===//
// Threads and operands
//===----------------------------------------------------------------------===//

Value DeviceBuilder::getNumBlocks() {
  return toIndex(NVVM::GridDimXOp::create(*this, getI32Type()));
}

DeviceBuilder::Team::Team(DeviceBuilder &builder, int64_t first,
                          int64_t threads, int64_t number)
    : b(builder), thread(b.thread), threads(b.threads),
      number(b.barrierNumber) {
  b.thread = b.sub(b.thread, b.index(first));
  b.threads = threads;
  b.barrierNumber = number;
}

DeviceBuilder::Team::~Team() {
  b.thread = thread;
  b.threads = threads;
  b.barrierNumber = number;
}

Value DeviceBuilder::getWarp() { return div(thread, kWarpThreads); }

Value DeviceBuilder::getLane() { return rem(thread, kWarpThreads); }

Value DeviceBuilder::get(Value operand) {
  return operand ? mapping.lookup(operand) : Value();
}

/// What elements of memory are seen as: booleans as bytes.
static Type getStoredType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

DevicePointer DeviceBuilder::getPointer(Value operand) {
  if (!operand)
    return {};
  auto type = cast<MemRefType>(operand.getType());
  return {mapping.lookup(operand), getStoredType(type.getElementType())};
}

DevicePointer DeviceBuilder::getShared(int64_t elements, Type element,
                                       int64_t alignment) {
  OpBuilder::InsertionGuard guard(*this);
  Type type = LLVM::LLVMPointerType::get(getContext(), kSharedSpace);
  if (!context.symbols.lookup(kSharedMemory)) {
    setInsertionPointToStart(context.module.getBody());
    auto global = LLVM::GlobalOp::create(
        *this, LLVM::LLVMArrayType::get(getI8Type(), 0), /*isConstant=*/false,
        LLVM::Linkage::External, kSharedMemory, /*value=*/Attribute(),
        kSharedAlignment, kSharedSpace);
    context.symbols.insert(global);
  }
  setInsertionPointToStart(&function.getBody().front());
  sharedBytes = llvm::alignTo(sharedBytes, alignment);
  Value memory = LLVM::AddressOfOp::create(*this, type, kSharedMemory);
  Value address = LLVM::GEPOp::create(
      *this, type, getI8Type(), memory,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(sharedBytes)});
  sharedBytes += elements * vit::WeightExprAttr::getStoredElementBytes(element);
  return {address, element};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

DevicePointer DeviceBuilder::advance(DevicePointer pointer, Value offset) {
  Value address = LLVM::GEPOp::create(
      *this, pointer.address.getType(), getHeldType(pointer.element),
      pointer.address, ArrayRef<LLVM::GEPArg>{toInteger(offset, 64)},
      LLVM::GEPNoWrapFlags::inbounds);
  return {address, pointer.element};
}

static unsigned getBytes(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  unsigned bytes = getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8;
  return vector ? bytes * vector.getNumElements() : bytes;
}

Value DeviceBuilder::load(DevicePointer pointer, Value offset, int64_t width) {
  Type type = getHeldType(pointer.element);
  if (width > 1)
    type = VectorType::get(width, type);
  return LLVM::LoadOp::create(*this, type, advance(pointer, offset).address,
                              getBytes(type));
}

void DeviceBuilder::store(Value value, DevicePointer pointer, Value offset) {
  LLVM::StoreOp::create(*this, value, advance(pointer, offset).address,
                        getBytes(value.getType()));
}

Value DeviceBuilder::loadFloat(DevicePointer pointer, Value offset) {
  return extend(load(pointer, offset));
}

void DeviceBuilder::storeFloat(Value value, DevicePointer pointer,
                               Value offset) {
  store(roundTo(value, pointer.element), pointer, offset);
}

void DeviceBuilder::copyAsync(DevicePointer to, Value toOffset,
                              DevicePointer from, Value fromOffset,
                              int64_t bytes, Value valid) {
  // Those of 16 bytes pass L1 by: they are not read again from there.
  auto modifier = bytes == 16 ? NVVM::LoadCacheModifierKind::CG
                              : NVVM::LoadCacheModifierKind::CA;
  Value copied;
  if (valid)
    copied = select(valid, integer(bytes, 32), integer(0, 32));
  NVVM::CpAsyncOp::create(*this, advance(to, toOffset).address,
                          advance(from, fromOffset).address, bytes, modifier,
                          copied);
}

void DeviceBuilder::commitCopies() {
  NVVM::CpAsyncCommitGroupOp::create(*this);
}

void DeviceBuilder::waitForCopies(int64_t groups) {
  NVVM::CpAsyncWaitGroupOp::create(*this, groups);
}

void DeviceBuilder::fenceForAsync() {
  emitPtx("fence.proxy.async.shared::cta;", {});
}

//===----------------------------------------------------------------------===//
// Threads together
//===----------------------------------------------------------------------===//

void DeviceBuilder::barrier() {
  if (barrierNumber == 0)
    NVVM::Barrier0Op::create(*this);
  else
    NVVM::BarrierOp::create(*this, TypeRange(), integer(barrierNumber, 32),
                            integer(threads, 32), NVVM::BarrierReductionAttr(),
                            Value());
}

Value DeviceBuilder::shuffleXor(Value value, int64_t mask) {
  return NVVM::ShflOp::create(*this, value.getType(),
                              /*thread_mask=*/integer(-1, 32), value,
                              integer(mask, 32), integer(kWarpThreads - 1, 32),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value DeviceBuilder::reduceOverLanes(
    Value value, int64_t width, function_ref<Value(Value, Value)> combine) {
  for (int64_t mask = width / 2; mask > 0; mask /= 2)
    value = combine(value, shuffleXor(value, mask));
  return value;
}

Value DeviceBuilder::sumOverLanes(Value value, int64_t width) {
  return reduceOverLanes(value, width,
                         [&](Value a, Value b) { return addf(a, b); });
}

Value DeviceBuilder::maxOverLanes(Value value, int64_t width) {
  // NaN stays, whichever side it is on.
  return reduceOverLanes(value, width, [&](Value a, Value b) -> Value {
    return arith::MaximumFOp::create(*this, a, b);
  });
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value DeviceBuilder::fastExp2(Value x) {
  return LLVM::CallIntrinsicOp::create(
             *this, getF32Type(), getStringAttr("llvm.nvvm.ex2.approx.ftz.f32"),
             ValueRange(x))
      .getResult(0);
}

static Value roundToTF32(DeviceBuilder &b, Value value) {
  Value bits = NVVM::ConvertFloatToTF32Op::create(b, b.getI32Type(), value,
                                                  NVVM::FPRoundingMode::RNA);
  return LLVM::BitcastOp::create(b, value.getType(), bits);
}

Value DeviceBuilder::roundTo(Value value, Type element) {
  auto vector = dyn_cast<VectorType>(value.getType());
  if (element.isTF32()) {
    if (!vector)
      return roundToTF32(*this, value);
    SmallVector<Value> rounded;
    for (int64_t i = 0; i < vector.getNumElements(); ++i)
      rounded.push_back(
          roundToTF32(*this, vector::ExtractOp::create(*this, value, i)));
    return vector::FromElementsOp::create(*this, vector, rounded);
  }
  Type type = vector ? vector.clone(element) : element;
  return type == value.getType() ? value
                                 : arith::TruncFOp::create(*this, type, value);
}

Value DeviceBuilder::integer(int64_t value, unsigned bits) {
  Type type = getIntegerType(bits);
  return arith::ConstantOp::create(*this, getIntegerAttr(type, value));
}

Value DeviceBuilder::toInteger(Value index, unsigned bits) {
  return createOrFold<arith::IndexCastOp>(getIntegerType(bits), index);
}

Value DeviceBuilder::toIndex(Value integer) {
  return createOrFold<arith::IndexCastUIOp>(getIndexType(), integer);
}

Value DeviceBuilder::both(Value a, Value b) {
  return createOrFold<arith::AndIOp>(a, b);
}

void DeviceBuilder::emitPtx(StringRef text, ValueRange operands) {
  std::string constraints;
  for (Value operand : operands)
    constraints += operand.getType().isInteger(32) ? "r," : "l,";
  LLVM::InlineAsmOp::create(
      *this, TypeRange(), operands, text, constraints + "~{memory}",
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr());
}

DeviceKernel DeviceBuilder::finish(int64_t resident) {
  setInsertionPointToEnd(&function.getBody().back());
  LLVM::ReturnOp::create(*this, ValueRange());
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    getDenseI32ArrayAttr({static_cast<int32_t>(blockThreads)}));
  // Otherwise ptxas spills some registers to run more.
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    getI32IntegerAttr(static_cast<int32_t>(resident)));
  function->setAttr(KernelDialect::kSharedBytesAttr,
                    getI64IntegerAttr(sharedBytes));
  return {function, blockThreads};
}
