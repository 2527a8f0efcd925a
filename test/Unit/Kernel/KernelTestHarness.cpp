//===- KernelTestHarness.cpp - Compiling and running kernels --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTestHarness.h"

#include "EmulatedEntry.h"

#include "../../../lib/Target/Program/LoadedEntry.h"
#include "Kernel/KernelDialect.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

using namespace vitc;
using namespace vitc::test;

std::vector<std::string> vitc::test::getHostLevels() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> levels = {"x86-64-v2"};
  if (features.lookup("avx2") && features.lookup("fma"))
    levels.insert(levels.end(), {"armv8-a", "x86-64-v3"});
  if (features.lookup("avx512f") && features.lookup("avx512vl") &&
      features.lookup("avx512bw") && features.lookup("avx512dq"))
    levels.push_back("x86-64-v4");
  levels.push_back("sm_80");
  return levels;
}

bool vitc::test::isGpu(llvm::StringRef isa) { return isa.starts_with("sm_"); }

std::vector<float> vitc::test::getRandom(int64_t size, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(size);
  for (float &value : values)
    value = static_cast<int32_t>(generator()) * 0x1p-31f;
  return values;
}

double vitc::test::getRelativeError(llvm::ArrayRef<float> values,
                                    llvm::ArrayRef<double> expected) {
  double error = 0, largest = 0;
  for (auto [value, reference] : llvm::zip_equal(values, expected)) {
    if (std::isnan(value) != std::isnan(reference))
      return std::numeric_limits<double>::infinity();
    if (std::isnan(value))
      continue;
    error = std::max(error, std::fabs(value - reference));
    largest = std::max(largest, std::fabs(reference));
  }
  return largest == 0 ? error : error / largest;
}

std::vector<float> vitc::test::packWeights(llvm::ArrayRef<float> weights,
                                           int64_t n, int64_t k) {
  std::vector<float> packed(vit::WeightExprAttr::packedSize(n, k));
  int64_t packedK = llvm::alignTo(k, 16);
  for (int64_t j = 0; j < n; ++j) {
    int64_t panel = j / 64;
    int64_t width = std::min<int64_t>(64, llvm::alignTo(n - panel * 64, 16));
    for (int64_t l = 0; l < k; ++l)
      packed[panel * 64 * packedK + l * width + j % 64] = weights[j * k + l];
  }
  return packed;
}

std::string vitc::test::getModule(llvm::StringRef body) {
  return R"mlir(
func.func @forward(%context: !kernel.context) attributes {
    kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %batch = kernel.batch %context
)mlir" + body.str() +
         "  return\n}\n";
}

CompiledKernel::CompiledKernel() = default;
CompiledKernel::~CompiledKernel() = default;

static mlir::MLIRContext &getContext() {
  static mlir::MLIRContext *context = [] {
    // lowerToLLVM applies them.
    mlir::registerPassManagerCLOptions();
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    mlir::DialectRegistry registry;
    mlir::registerAllExtensions(registry);
    mlir::registerBuiltinDialectTranslation(registry);
    mlir::registerLLVMDialectTranslation(registry);
    registry.insert<kernel::KernelDialect, vit::VitDialect,
                    mlir::arith::ArithDialect, mlir::func::FuncDialect,
                    mlir::math::MathDialect>();
    auto *context = new mlir::MLIRContext(registry);
    context->loadAllAvailableDialects();
    return context;
  }();
  return *context;
}

/// Names that an object needs from elsewhere than libm, which programs link
/// with.
static std::string getForeignSymbols(llvm::ArrayRef<char> bytes) {
  auto object = llvm::cantFail(
      llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(
          llvm::StringRef(bytes.data(), bytes.size()), "kernels")));
  std::string names;
  for (const llvm::object::SymbolRef &symbol : object->symbols()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    llvm::StringRef name = llvm::cantFail(symbol.getName());
    if ((flags & llvm::object::SymbolRef::SF_Undefined) && !name.empty() &&
        name != "erf" && name != "exp")
      names += name.str() + " ";
  }
  return names;
}

std::unique_ptr<CompiledKernel> CompiledKernel::compile(llvm::StringRef text,
                                                        llvm::StringRef isa) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &getContext());
  if (!module) {
    ADD_FAILURE() << "the module does not parse:\n" << text.str();
    return nullptr;
  }
  std::vector<BufferSize> inputSizes;
  BufferSize outputSize;
  module->walk([&](kernel::BufferOp op) {
    auto type = llvm::cast<mlir::MemRefType>(op.getType());
    int64_t bytes =
        vit::WeightExprAttr::getStoredElementBytes(type.getElementType());
    for (int64_t dim : type.getShape())
      bytes *= mlir::ShapedType::isDynamic(dim) ? 1 : dim;
    auto index = static_cast<size_t>(op.getOffset());
    bool isInput = op.getSpace() == kernel::Space::Input;
    if (isInput && inputSizes.size() <= index)
      inputSizes.resize(index + 1);
    BufferSize &size = isInput ? inputSizes[index] : outputSize;
    (type.hasStaticShape() ? size.fixed : size.perItem) = bytes;
  });
  std::unique_ptr<CompiledKernel> kernel(new CompiledKernel());
  kernel->inputSizes = std::move(inputSizes);
  kernel->outputSize = outputSize;
  if (isGpu(isa)) {
    auto emulated = EmulatedEntry::load(*module, isa);
    if (!emulated) {
      ADD_FAILURE() << llvm::toString(emulated.takeError());
      return nullptr;
    }
    kernel->emulated = std::move(*emulated);
    return kernel;
  }
  auto entry =
      LoadedEntry::load(*module, isa, isa == "armv8-a" ? "x86-64-v3" : "");
  if (!entry) {
    ADD_FAILURE() << llvm::toString(entry.takeError());
    return nullptr;
  }
  EXPECT_EQ(getForeignSymbols((*entry)->getObject()), "");
  kernel->entry = std::move(*entry);
  return kernel;
}

namespace {
/// Memory between two pages that must not be touched.
class GuardedMemory {
public:
  /// `size` bytes that end, or else begin, where such a page does.
  GuardedMemory(int64_t size, bool guardsEnd) : size(size) {
    int64_t page = sysconf(_SC_PAGESIZE);
    int64_t inside = llvm::alignTo(size, page);
    mappedSize = inside + 2 * page;
    mapped = static_cast<char *>(mmap(nullptr, mappedSize, PROT_NONE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(mapped, MAP_FAILED);
    EXPECT_EQ(0, mprotect(mapped + page, inside, PROT_READ | PROT_WRITE));
    data = mapped + page + (guardsEnd ? inside - size : 0);
  }
  GuardedMemory(const GuardedMemory &) = delete;
  ~GuardedMemory() { munmap(mapped, mappedSize); }

  void *get() const { return data; }
  void copyFrom(const void *source) { std::memcpy(data, source, size); }
  /// Kernels write some of their inputs, but not constant ones.
  void copyChangesTo(void *target) const {
    if (std::memcmp(target, data, size) != 0)
      std::memcpy(target, data, size);
  }

private:
  char *mapped, *data;
  int64_t size, mappedSize;
};

/// What stands for the session while a kernel runs.
struct FakeSession {
  int64_t scratchBytes, numRanges;
  bool guardsEnd;
};
} // namespace

static void runTasks(rt::Context *context, int32_t, rt::TaskFn function,
                     const void *arguments, int64_t numTasks) {
  auto *session = static_cast<FakeSession *>(context->session);
  int64_t bytes = llvm::alignTo(session->scratchBytes, rt::kBufferAlignment);
  GuardedMemory scratch(bytes, session->guardsEnd);
  std::fill_n(static_cast<float *>(scratch.get()), bytes / sizeof(float),
              std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = session->numRanges - 1; i >= 0; --i)
    function(arguments, numTasks * i / session->numRanges,
             numTasks * (i + 1) / session->numRanges, scratch.get());
}

std::map<const void *, int64_t>
CompiledKernel::getSizes(int64_t batch, llvm::ArrayRef<const void *> inputs,
                         const void *output) const {
  // A buffer may be there several times, as input and output, and null where no
  // kernel reads it.
  std::map<const void *, int64_t> sizes;
  auto add = [&](const void *memory, BufferSize size) {
    int64_t bytes = size.fixed + batch * size.perItem;
    sizes[memory] = std::max(sizes[memory], bytes);
  };
  for (auto [input, size] : llvm::zip(inputs, inputSizes))
    add(input, size);
  add(output, outputSize);
  sizes.erase(nullptr);
  return sizes;
}

void CompiledKernel::runOnce(int64_t batch, llvm::ArrayRef<const void *> inputs,
                             void *output, int64_t numRanges, bool guardsEnd) {
  std::map<const void *, GuardedMemory> guarded;
  for (auto [memory, size] : getSizes(batch, inputs, output)) {
    guarded.try_emplace(memory, size, guardsEnd);
    guarded.at(memory).copyFrom(memory);
  }
  auto getGuarded = [&](const void *memory) {
    auto copy = guarded.find(memory);
    return copy == guarded.end() ? nullptr : copy->second.get();
  };
  std::vector<const void *> guardedInputs;
  for (const void *input : inputs)
    guardedInputs.push_back(getGuarded(input));
  void *outputs[] = {getGuarded(output)};

  FakeSession session = {entry->getScratchBytes(), numRanges, guardsEnd};
  rt::Context context = {};
  context.batch = batch;
  context.inputs = guardedInputs.data();
  context.outputs = outputs;
  context.parallel = runTasks;
  context.threads = numRanges;
  context.session = &session;
  entry->run(context);
  if (!guardsEnd)
    return;
  for (const auto &[memory, copy] : guarded)
    copy.copyChangesTo(const_cast<void *>(memory));
}

void CompiledKernel::runBuffers(int64_t batch,
                                llvm::ArrayRef<const void *> inputs,
                                void *output, int64_t numRanges) {
  if (emulated) {
    llvm::Error error =
        emulated->run(batch, inputs, {output}, getSizes(batch, inputs, output),
                      /*seed=*/numRanges);
    EXPECT_EQ(llvm::toString(std::move(error)), "");
    return;
  }
  for (bool guardsEnd : {false, true})
    runOnce(batch, inputs, output, numRanges, guardsEnd);
}
