//===- ZooTest.cpp - Names of the zoo and their modules -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTest.h"
#include "Vit/VitDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

class ZooTest : public ImportTest {
protected:
  void expectRefused(StringRef source, const std::string &message,
                     ImportOptions options = {}) {
    diagnostics.clear();
    EXPECT_FALSE(import(source, options));
    EXPECT_EQ(messages(), message);
  }
  template <typename OpT> static int64_t count(ModuleOp module) {
    int64_t result = 0;
    module.walk([&](OpT) { ++result; });
    return result;
  }
  static vit::ModelAttr getModel(ModuleOp module) {
    return module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  }
};

} // namespace

// The published parameter counts of the papers' models.
TEST_F(ZooTest, ParametersAreThePapers) {
  auto parameters = [&](StringRef source) {
    OwningOpRef<ModuleOp> module = import(source);
    return module ? getModel(*module).getParameters() : 0;
  };
  EXPECT_EQ(parameters("zoo:vit-ti"), 5717416);
  EXPECT_EQ(parameters("zoo:vit-s"), 22050664);
  EXPECT_EQ(parameters("zoo:vit-b"), 86567656);
  EXPECT_EQ(parameters("zoo:vit-l"), 304326632);
  EXPECT_EQ(parameters("zoo:deit-b-distilled"), 87338192);
  // As in timm, with 1000 classes.
  EXPECT_EQ(parameters("zoo:beit-b"), 86530984);
  EXPECT_EQ(parameters("zoo:hybrid-r26-s"), 36431912);
  EXPECT_EQ(parameters("zoo:hybrid-r50-b"), 98659112);
  EXPECT_EQ(parameters("zoo:swin-b"), 87768224);
  EXPECT_EQ(parameters("zoo:swinv2-t"), 28347154);
}

TEST_F(ZooTest, EveryOpHasTheNameOfItsLayer) {
  OwningOpRef<ModuleOp> module = import("zoo:vit?depth=2,dim=64,heads=2");
  ASSERT_TRUE(module) << messages();
  std::vector<std::string> names;
  module->walk([&](vit::AttentionOp op) {
    names.push_back(cast<NameLoc>(op.getLoc()).getName().str());
  });
  EXPECT_EQ(names, (std::vector<std::string>{
                       "vit.encoder.layer.0.attention.attention",
                       "vit.encoder.layer.1.attention.attention"}));
  module->walk([](Operation *op) {
    if (!isa<ModuleOp>(op))
      EXPECT_TRUE(isa<NameLoc>(op->getLoc()));
  });
}

TEST_F(ZooTest, BatchIsDynamicUnlessAskedFor) {
  auto getBatch = [&](std::optional<int64_t> batch) -> int64_t {
    ImportOptions options;
    options.batch = batch;
    OwningOpRef<ModuleOp> module = import("zoo:vit?depth=1", options);
    auto function = module->lookupSymbol<func::FuncOp>("forward");
    return cast<RankedTensorType>(function.getResultTypes()[0]).getDimSize(0);
  };
  EXPECT_EQ(getBatch(std::nullopt), ShapedType::kDynamic);
  EXPECT_EQ(getBatch(3), 3);
  ImportOptions options;
  options.batch = 0;
  expectRefused("zoo:vit", "batch 0 was asked for; it needs to be 1 or more",
                options);
}

TEST_F(ZooTest, HeadAndPoolingAsAskedFor) {
  OwningOpRef<ModuleOp> module =
      import("zoo:vit?depth=1,pool=mean-patches,head-layers=3");
  ASSERT_TRUE(module) << messages();
  EXPECT_EQ(count<vit::MeanTokensOp>(*module), 1);
  EXPECT_EQ(count<vit::GeluOp>(*module), 1 + 2);
  EXPECT_EQ(count<vit::LinearOp>(*module), 6 + 3);
  module->walk([](vit::MeanTokensOp op) { EXPECT_EQ(op.getSkip(), 1u); });
}

TEST_F(ZooTest, SeedsDifferByNameAndBySeed) {
  auto getSeed = [&](StringRef source, StringRef name) {
    OwningOpRef<ModuleOp> module = import(source);
    return *module->lookupSymbol<vit::WeightOp>(name).getSeed();
  };
  // FNV-1a of the name, as numpy computes it in python/vitc/zoo/weights.py.
  EXPECT_EQ(getSeed("zoo:vit?depth=1", "classifier.bias"), 0xfe5cd260f76bc4e3u);
  EXPECT_EQ(getSeed("zoo:vit?depth=1,seed=3", "classifier.bias"),
            0xfe5cd260f76bc4e3u ^ (3 * 0x9E3779B97F4A7C15u));
  EXPECT_NE(getSeed("zoo:vit?depth=1", "classifier.weight"),
            getSeed("zoo:vit?depth=1", "classifier.bias"));
}

TEST_F(ZooTest, RefusesAnUnknownModel) {
  expectRefused("zoo:vgg",
                "model 'vgg' is not one of vit, vit-ti, vit-s, vit-b, vit-l, "
                "deit-ti, deit-s, deit-b, deit-ti-distilled, deit-s-distilled, "
                "deit-b-distilled, vit-small-tutorial, beit, beit-b, beit-l, "
                "dinov2, dinov2-s, dinov2-b, dinov2-l, dinov2-reg, "
                "dinov2-s-reg, dinov2-b-reg, dinov2-l-reg, hybrid, "
                "hybrid-r26-s, hybrid-r50-b, swin, swin-t, swin-s, swin-b, "
                "swinv2, swinv2-t, swinv2-s, swinv2-b, linformer, "
                "linformer-2048");
}

TEST_F(ZooTest, RefusesAnUnknownKey) {
  expectRefused("zoo:vit?width=3",
                "key 'width' is not one of dim, depth, heads, patch, image, "
                "channels, mlp, hidden, pool, head-layers, classes, seed");
  expectRefused("zoo:beit?pool=cls",
                "key 'pool' is not one of dim, depth, heads, patch, image, "
                "channels, mlp, hidden, classes, seed");
  expectRefused("zoo:linformer?mlp=4",
                "key 'mlp' is not one of dim, depth, heads, k, one-kv-head, "
                "share-kv, patch, image, channels, pool, classes, seed");
}

TEST_F(ZooTest, RefusesValuesThatDoNotFit) {
  expectRefused("zoo:vit?dim=0",
                "dim = '0'; it needs an integer from 1 to 65536");
  expectRefused("zoo:vit?depth=99999999999999999999",
                "depth = '99999999999999999999'; it needs an integer from 1 to "
                "1024");
  expectRefused("zoo:vit?pool=max",
                "pool = 'max'; it needs cls, mean or mean-patches");
  expectRefused("zoo:vit?mlp=nan",
                "mlp = 'nan'; it needs a ratio above 0 and up to 64");
  expectRefused("zoo:vit?seed=-1",
                "seed = '-1'; it needs an integer of 64 bits");
  expectRefused("zoo:linformer?share-kv=yes",
                "share-kv = 'yes'; it needs true or false");
  expectRefused("zoo:hybrid?stages=1-1-1-1-1",
                "stages has 5 stages; it needs 1 to 4");
  expectRefused("zoo:deit-s-distilled?pool=mean",
                "a distilled model has one linear classifier a token; it needs "
                "pool=cls and head-layers=1");
}

TEST_F(ZooTest, RefusesSizesThatDoNotDivide) {
  expectRefused("zoo:vit?dim=100,heads=3",
                "dim = 100 is not a multiple of heads = 3");
  expectRefused("zoo:vit?image=100,patch=16",
                "image = 100x100 is not a multiple of patch = 16x16");
  expectRefused("zoo:vit?image=65536,patch=1",
                "image = 65536x65536 gives 4294967296 patches; vitc compiles "
                "at most 1048576");
}

TEST_F(ZooTest, RefusesAnotherImageSizeWhereWeightsAreForOne) {
  ImportOptions options;
  options.imageSize = {384, 384};
  expectRefused("zoo:linformer",
                "image size 384x384 was asked for; the projections along the "
                "sequence need 224x224",
                options);
}

TEST_F(ZooTest, ResizesPositionsToAnotherImageSize) {
  ImportOptions options;
  options.imageSize = {384, 320};
  OwningOpRef<ModuleOp> module = import("zoo:vit?depth=1", options);
  ASSERT_TRUE(module) << messages();
  module->walk([](vit::PatchEmbedOp op) {
    EXPECT_EQ(op.getResult().getType().getDimSize(1), 1 + 24 * 20);
  });
  auto model =
      (*module)->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  EXPECT_EQ(model.getGrid().getHeight(), 24);
  EXPECT_EQ(model.getGrid().getWidth(), 20);
}

TEST_F(ZooTest, ResizesBiasTablesToAnotherImageSize) {
  ImportOptions options;
  options.imageSize = {384, 320};
  OwningOpRef<ModuleOp> module = import("zoo:beit?depth=1", options);
  ASSERT_TRUE(module) << messages();
  module->walk([](vit::RelativePositionBiasOp op) {
    EXPECT_EQ(op.getTable().getType().getDimSize(0), 47 * 39 + 3);
  });
}

TEST_F(ZooTest, StemTakesAnotherImageSize) {
  ImportOptions options;
  options.imageSize = {384, 330};
  OwningOpRef<ModuleOp> module =
      import("zoo:hybrid?depth=1,stages=1-1", options);
  ASSERT_TRUE(module) << messages();
  module->walk([](vit::PatchEmbedOp op) {
    // Halved three times, rounded up by "same" padding.
    EXPECT_EQ(op.getResult().getType().getDimSize(1), 1 + 48 * 42);
  });
}

TEST_F(ZooTest, RefusesAnImageSizeThatPatchesDoNotDivide) {
  ImportOptions options;
  options.imageSize = {384, 390};
  expectRefused("zoo:vit", "image = 384x390 is not a multiple of patch = 16x16",
                options);
}
