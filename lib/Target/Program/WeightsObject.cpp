//===- WeightsObject.cpp - The weights as an object file ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightsObject.h"

#include "DescriptorModule.h"
#include "Kernel/KernelDialect.h"
#include "vitc/Runtime/Descriptor.h"
#include "vitc/Target/Weights.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;
using namespace llvm::ELF;

/// The section starts on a page, so that processes share it.
static constexpr uint64_t kPage = 4096;

/// From so many huge pages on it starts on one, in memory and in the file, so
/// that it can be mapped by them. What comes before it is padded up to there.
static constexpr uint64_t kLeastHugePages = 8;

static uint64_t getAlignment(uint64_t size) {
  return size >= kLeastHugePages * kHugePageBytes ? kHugePageBytes : kPage;
}

/// Each is below 2^62, so that their sum is an int64_t.
static int64_t getEnd(kernel::WeightOp weight) {
  return weight.getOffset() +
         *vit::WeightExprAttr::getStoredBytes(weight.getValue().getType());
}

int64_t vitc::getWeightsSize(ModuleOp module) {
  int64_t size = 0;
  for (auto weight : module.getOps<kernel::WeightOp>())
    size = std::max(size, getEnd(weight));
  return size;
}

/// Checks that the weights lie in their order, apart from each other.
static LogicalResult verifyPlaces(ModuleOp module) {
  int64_t end = 0;
  for (auto weight : module.getOps<kernel::WeightOp>()) {
    if (static_cast<int64_t>(weight.getOffset()) < end)
      return weight.emitError() << "weight '" << weight.getSymName()
                                << "' lies at byte " << weight.getOffset()
                                << "; the one before it ends at byte " << end;
    end = getEnd(weight);
  }
  return success();
}

template <typename T> static void writeRecord(raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof(value));
}

/// Gaps may be longer than the 32 bits that write_zeros takes.
static void writeZerosUpTo(llvm::raw_fd_ostream &os, uint64_t offset) {
  constexpr uint64_t most = 1 << 20;
  while (os.tell() < offset && !os.has_error())
    os.write_zeros(std::min(most, offset - os.tell()));
}

LogicalResult vitc::writeWeightsObject(ModuleOp module, const CpuTarget &target,
                                       StringRef path) {
  if (failed(verifyPlaces(module)))
    return failure();
  FailureOr<std::unique_ptr<WeightEvaluator>> evaluator =
      WeightEvaluator::create(module);
  if (failed(evaluator))
    return failure();
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code)
    return module.emitError()
           << "cannot write '" << path << "': " << code.message();
  // An error that is left in the stream ends the process.
  llvm::scope_exit clearError([&] {
    os.close();
    os.clear_error();
  });

  // Null, weights, note, symbols, their names, section names.
  constexpr auto sectionNames = llvm::StringLiteral::withInnerNUL(
      "\0.lrodata.vitc\0.note.GNU-stack\0.symtab\0.strtab\0.shstrtab\0");
  enum {
    WeightsName = 1,
    NoteName = 15,
    SymbolsName = 31,
    StringsName = 39,
    NamesName = 47
  };
  std::string symbolNames(1, '\0');
  symbolNames += kWeightsSymbol;
  symbolNames.push_back('\0');

  uint64_t size = getWeightsSize(module);
  uint64_t symbolsAt = llvm::alignTo(kPage + size, 8);
  uint64_t stringsAt = symbolsAt + 2 * sizeof(Elf64_Sym);
  uint64_t namesAt = stringsAt + symbolNames.size();
  uint64_t headersAt = llvm::alignTo(namesAt + sectionNames.size(), 8);

  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = target.elfMachine;
  header.e_version = EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 5;
  writeRecord(os, header);
  writeZerosUpTo(os, kPage);

  for (auto weight : module.getOps<kernel::WeightOp>()) {
    writeZerosUpTo(os, kPage + weight.getOffset());
    if (failed((*evaluator)->write(weight.getValue(), os)))
      return failure();
  }

  writeZerosUpTo(os, symbolsAt);
  Elf64_Sym symbol = {};
  writeRecord(os, symbol);
  symbol.st_name = 1;
  symbol.setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbol.st_other = STV_HIDDEN;
  symbol.st_shndx = 1;
  symbol.st_size = size;
  writeRecord(os, symbol);
  os << symbolNames << sectionNames;
  writeZerosUpTo(os, headersAt);

  auto section = [&](uint32_t name, uint32_t type, uint64_t flags,
                     uint64_t offset, uint64_t length, uint64_t alignment,
                     uint32_t link = 0, uint32_t info = 0,
                     uint64_t entrySize = 0) {
    Elf64_Shdr record = {};
    record.sh_name = name;
    record.sh_type = type;
    record.sh_flags = flags;
    record.sh_offset = offset;
    record.sh_size = length;
    record.sh_addralign = alignment;
    record.sh_link = link;
    record.sh_info = info;
    record.sh_entsize = entrySize;
    writeRecord(os, record);
  };
  section(0, SHT_NULL, 0, 0, 0, 0);
  section(WeightsName, SHT_PROGBITS, SHF_ALLOC | target.largeSectionFlags,
          kPage, size, getAlignment(size));
  section(NoteName, SHT_PROGBITS, 0, symbolsAt, 0, 1);
  section(SymbolsName, SHT_SYMTAB, 0, symbolsAt, 2 * sizeof(Elf64_Sym), 8,
          /*link=*/4, /*info=*/1, sizeof(Elf64_Sym));
  section(StringsName, SHT_STRTAB, 0, stringsAt, symbolNames.size(), 1);
  section(NamesName, SHT_STRTAB, 0, namesAt, sectionNames.size(), 1);
  os.flush();
  code = os.error();
  if (code)
    return module.emitError()
           << "cannot write '" << path << "': " << code.message();
  return success();
}
