//===- ExplainReport.cpp - What vitc explain says -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainReport.h"

#include "Kernel/KernelDialect.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "vitc/Analysis/KernelCost.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Kernel/CostModel.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

double ExplainReport::Cost::getIntensity() const {
  return getBytes() == 0 ? 0 : double(flops) / double(getBytes());
}

bool ExplainReport::Cost::operator==(const Cost &other) const {
  return flops == other.flops && weights == other.weights &&
         read == other.read && written == other.written;
}

ExplainReport::Cost &ExplainReport::Cost::operator+=(const Cost &other) {
  flops += other.flops;
  weights += other.weights;
  read += other.read;
  written += other.written;
  return *this;
}

ExplainReport::Cost ExplainReport::Cost::operator*(int64_t count) const {
  return {flops * count, weights * count, read * count, written * count};
}

ExplainReport::Cost
vitc::getTotalCost(ArrayRef<ExplainReport::Kernel> kernels) {
  ExplainReport::Cost total;
  for (const ExplainReport::Kernel &kernel : kernels)
    if (kernel.cost)
      total += *kernel.cost;
  return total;
}

std::vector<ArrayRef<ExplainReport::Kernel>> ExplainReport::getEntries() const {
  std::vector<ArrayRef<Kernel>> entries;
  for (ArrayRef<Kernel> rest = kernels; !rest.empty();) {
    entries.push_back(rest.take_while([&](const Kernel &kernel) {
      return kernel.entry == rest.front().entry;
    }));
    rest = rest.drop_front(entries.back().size());
  }
  return entries;
}

int64_t ExplainReport::countFunctions() const {
  llvm::StringSet<> functions;
  for (const Kernel &kernel : kernels)
    functions.insert(kernel.function);
  return functions.size();
}

StringRef vitc::getBound(const ExplainReport::Cost &cost,
                         const Roofline &roofline) {
  if (!roofline.isKnown())
    return "";
  return double(cost.flops) / roofline.flops >=
                 double(cost.getBytes()) / roofline.bytes
             ? "compute"
             : "memory";
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

/// All names of a location, the layer's first.
static std::vector<std::string> collectSources(Location loc) {
  std::vector<std::string> names;
  auto add = [&](StringRef name) {
    if (!name.empty() && !llvm::is_contained(names, name))
      names.push_back(name.str());
  };
  add(getSourceName(loc));
  for (StringRef name : getSourceNames(loc))
    add(name);
  return names;
}

static std::string printAttribute(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream os(text);
  attribute.print(os);
  return text;
}

static std::string describeTile(Attribute tiling) {
  return llvm::TypeSwitch<Attribute, std::string>(tiling)
      .Case([](GemmTilingAttr tiling) -> std::string {
        if (tiling.getProvider() == Provider::OneDNN)
          return stringifyProvider(tiling.getProvider()).str();
        return llvm::formatv(
            "{0}x{1}, {2} row{3} x {4} panel{5}", tiling.getRows(),
            tiling.getColumns(), tiling.getRowBlock(),
            tiling.getRowBlock() == 1 ? "" : "s", tiling.getPanels(),
            tiling.getPanels() == 1 ? "" : "s");
      })
      .Case([](AttentionTilingAttr tiling) -> std::string {
        return llvm::formatv("{0}x{1}, {2} queries x {3} keys",
                             tiling.getRows(), tiling.getColumns(),
                             tiling.getQueryBlock(), tiling.getKeyBlock());
      })
      .Case([](ConvTilingAttr tiling) -> std::string {
        return llvm::formatv("{0} places, {1} row{2} x {3} channels",
                             tiling.getColumns(), tiling.getRows(),
                             tiling.getRows() == 1 ? "" : "s",
                             tiling.getChannels());
      })
      .Case([](RowTilingAttr tiling) -> std::string {
        return llvm::formatv("{0} row{1}", tiling.getRows(),
                             tiling.getRows() == 1 ? "" : "s");
      })
      .Default(std::string());
}

/// "97 % of the peak; onednn 93 %".
static std::string describeChoice(Operation *op, StringRef isa,
                                  StringRef backend) {
  auto gemm = dyn_cast<GemmOp>(op);
  const Machine *machine = findMachine(isa);
  std::optional<ProviderChoice> providers = parseBackend(backend);
  if (!gemm || !gemm.getTiling() || !machine || !providers)
    return "";
  GemmTilingAttr tiling = *gemm.getTiling();
  GemmChoice choice =
      chooseGemm(gemm, tiling.getRowBlock(), *providers, *machine);
  bool isModels =
      choice.provider == tiling.getProvider() &&
      choice.tile == MicroTile{tiling.getRows(), tiling.getColumns()};
  if (!isModels)
    return "as the module has it";
  return llvm::formatv("{0:f0} % of the peak; {1} {2:f0} %",
                       choice.estimate.getPartOfPeak() * 100, choice.nextName,
                       choice.next.getPartOfPeak() * 100);
}

/// How often a run of the entry comes to `op`, through the loops around it.
static std::optional<int64_t> countLaunches(Operation *op) {
  int64_t launches = 1;
  for (Operation *around = op->getParentOp(); !isa<func::FuncOp>(around);
       around = around->getParentOp()) {
    auto loop = dyn_cast<scf::ForOp>(around);
    std::optional<APInt> trips =
        loop ? loop.getStaticTripCount() : std::nullopt;
    if (!trips || llvm::MulOverflow(launches, trips->getSExtValue(), launches))
      return std::nullopt;
  }
  return launches;
}

static bool isKernel(Operation *op) {
  return isa<GemmOp, AttentionOp, AttentionMapOp, GroupedConvOp, NormOp, MeanOp,
             GatherOp, GenericOp>(op);
}

SmallVector<func::FuncOp> vitc::getExplainedEntries(ModuleOp module) {
  SmallVector<func::FuncOp> entries;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && function.getName() != "attention")
      entries.push_back(function);
  return entries;
}

/// The batch of an entry: dim 0 of its first input; 1 where it is dynamic.
static int64_t getBatch(EntryAttr entry) {
  if (entry.getInputs().empty())
    return 1;
  RankedTensorType type = entry.getInputs().front().getType();
  if (type.getRank() < 2 || type.isDynamicDim(0))
    return 1;
  return std::max<int64_t>(type.getDimSize(0), 1);
}

void ExplainReport::collect(ModuleOp module, const Movement &movement) {
  if (auto attr =
          module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr)) {
    model = attr.getName().getValue().str();
    task = attr.getTask().getValue().str();
    source = attr.getSource().getValue().str();
  }
  for (auto weight : module.getOps<WeightOp>()) {
    auto type = cast<RankedTensorType>(weight.getValue().getType());
    weightBytes = std::max<int64_t>(
        weightBytes,
        weight.getOffset() + *vit::WeightExprAttr::getStoredBytes(type));
  }
  for (func::FuncOp entry : getExplainedEntries(module))
    collectEntry(entry, movement);
}

void ExplainReport::collectEntry(func::FuncOp function,
                                 const Movement &movement) {
  if (auto entry =
          function->getAttrOfType<EntryAttr>(KernelDialect::kEntryAttr)) {
    batch = getBatch(entry);
    // Entries run one after the other, in one arena.
    arenaBase = std::max(arenaBase, entry.getArenaBase());
    arenaPerBatch = std::max(arenaPerBatch, entry.getArenaPerBatch());
  }
  function.walk([&](Operation *op) {
    if (!isKernel(op))
      return;
    Kernel &kernel = kernels.emplace_back();
    kernel.entry = function.getName().str();
    kernel.launches = countLaunches(op);
    kernel.sources = collectSources(op->getLoc());
    kernel.op = op->getName().stripDialect().str();
    Attribute tiling = op->getInherentAttr("tiling").value_or(Attribute());
    kernel.tile = describeTile(tiling);
    kernel.tiling = printAttribute(tiling);
    kernel.reason = describeChoice(op, isa, backend);
    kernel.fused = describeFusion(op, movement);
    if (std::optional<KernelCost> cost = getKernelCost(op))
      kernel.cost = Cost{cost->flops.at(batch), cost->weights.at(batch),
                         cost->read.at(batch), cost->written.at(batch)} *
                    kernel.launches.value_or(1);
  });
}

void ExplainReport::collectFunctions(ModuleOp module) {
  auto kernel = kernels.begin();
  for (func::FuncOp entry : getExplainedEntries(module))
    if (auto code = entry->getAttrOfType<CodeAttr>(KernelDialect::kCodeAttr))
      for (SiteAttr site : code.getSites()) {
        if (kernel == kernels.end())
          return;
        (kernel++)->function = site.getKernel().getValue().str();
      }
}
