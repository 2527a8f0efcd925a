//===- Ptxas.h - NVIDIA's assembler --------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_PTXAS_H
#define VITC_TARGET_PTXAS_H

#include "mlir/IR/Location.h"
#include "vitc/Target/Command.h"
#include "vitc/Target/DeviceCode.h"
#include "llvm/Support/VersionTuple.h"
#include <string>

namespace vitc {

/// One that is installed.
struct Ptxas {
  std::string path;
  llvm::VersionTuple release; // of CUDA, "13.0"

  /// Whether it knows the architecture and its version of PTX.
  bool supports(const GpuTarget &target) const {
    return release >= target.cuda;
  }
};

/// The file `path` where that is given; else the first in PATH, then in what
/// CUDA_ROOT, CUDA_HOME and CUDA_PATH name. The error says what was found.
llvm::Expected<Ptxas> findPtxas(llvm::StringRef path);

/// Makes code.cubin of code.ptx, unless that is only to be shown. What slows a
/// kernel down is a remark; errors are diagnostics.
mlir::LogicalResult assemble(DeviceCode &code, const Ptxas &ptxas,
                             CommandMode mode, mlir::Location loc);

} // namespace vitc

#endif // VITC_TARGET_PTXAS_H
