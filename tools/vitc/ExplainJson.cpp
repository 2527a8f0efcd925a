//===- ExplainJson.cpp - vitc explain for programs ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainReport.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace vitc;

static void addCost(llvm::json::Object &object, const ExplainReport::Cost &cost,
                    const Roofline &roofline) {
  object["flops"] = cost.flops;
  object["weight_bytes"] = cost.weights;
  object["read_bytes"] = cost.read;
  object["written_bytes"] = cost.written;
  object["flops_per_byte"] = cost.getIntensity();
  if (roofline.isKnown())
    object["bound"] = getBound(cost, roofline);
}

static llvm::json::Object toJson(const ExplainReport::Kernel &kernel,
                                 const Roofline &roofline) {
  llvm::json::Object object{{"layer", kernel.getLayer()},
                            {"sources", llvm::json::Array(kernel.sources)},
                            {"op", kernel.op},
                            {"kernel", kernel.function},
                            {"tile", kernel.tile},
                            {"tiling", kernel.tiling},
                            {"reason", kernel.reason},
                            {"fused", llvm::json::Array(kernel.fused)}};
  object["entry"] = kernel.entry;
  if (kernel.launches)
    object["launches"] = *kernel.launches;
  if (kernel.cost)
    addCost(object, *kernel.cost, roofline);
  return object;
}

void ExplainReport::printJson(llvm::raw_ostream &os,
                              const Roofline &roofline) const {
  llvm::json::Array kernelList, missList;
  llvm::json::Object totals;
  for (llvm::ArrayRef<Kernel> entry : getEntries()) {
    for (const ExplainBlock &block : cutBlocks(entry))
      for (const Kernel &kernel : block.kernels) {
        llvm::json::Object object = toJson(kernel, roofline);
        object["block"] = block.name;
        kernelList.push_back(std::move(object));
      }
    llvm::json::Object total;
    addCost(total, getTotalCost(entry), roofline);
    totals[entry.front().entry] = std::move(total);
  }
  for (const Remark &remark : remarks)
    missList.push_back(
        llvm::json::Object{{"layer", remark.layer}, {"reason", remark.text}});
  llvm::json::Object total;
  addCost(total, getTotalCost(kernels), roofline);
  llvm::json::Object report{{"model", model},
                            {"task", task},
                            {"source", source},
                            {"isa", isa},
                            {"backend", backend},
                            {"precision", precision},
                            {"batch", batch},
                            {"weight_section_bytes", weightBytes},
                            {"arena_bytes", arenaBase},
                            {"arena_bytes_per_image", arenaPerBatch},
                            {"functions", countFunctions()},
                            {"kernels", std::move(kernelList)},
                            {"total", std::move(total)},
                            {"totals", std::move(totals)},
                            {"missed", std::move(missList)}};
  os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(report)));
}
