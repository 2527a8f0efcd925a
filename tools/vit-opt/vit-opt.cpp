//===- vit-opt.cpp - mlir-opt with vitc's dialects and passes -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "Vit/VitDialect.h"
#include "vitc/Conversion/Passes.h"
#include "vitc/Kernel/Passes.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Pipelines/GPU.h"
#include "vitc/Transforms/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<vitc::vit::VitDialect, vitc::kernel::KernelDialect>();
  vitc::kernel::registerBufferizableOpInterfaceModels(registry);

  mlir::registerAllPasses();
  vitc::vit::registerVitcTransformsPasses();
  vitc::registerVitcConversionPasses();
  vitc::kernel::registerVitcKernelPasses();
  vitc::registerPipelines();
  vitc::registerGpuPipelines();

  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "vitc's optimizer driver\n", registry));
}
