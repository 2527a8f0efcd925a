//===- ScalarOps.cpp - Evaluation of arith and math ops -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

using FloatUnary = double (*)(double);
using FloatBinary = double (*)(double, double);

static FloatUnary getFloatUnary(StringRef name) {
  static const llvm::StringMap<FloatUnary> functions = {
      {"arith.extf", [](double x) { return x; }},
      {"arith.truncf", [](double x) { return x; }},
      {"arith.negf", [](double x) { return -x; }},
      {"math.absf", [](double x) { return std::abs(x); }},
      {"math.acos", [](double x) { return std::acos(x); }},
      {"math.acosh", [](double x) { return std::acosh(x); }},
      {"math.asin", [](double x) { return std::asin(x); }},
      {"math.asinh", [](double x) { return std::asinh(x); }},
      {"math.atan", [](double x) { return std::atan(x); }},
      {"math.atanh", [](double x) { return std::atanh(x); }},
      {"math.cbrt", [](double x) { return std::cbrt(x); }},
      {"math.ceil", [](double x) { return std::ceil(x); }},
      {"math.cos", [](double x) { return std::cos(x); }},
      {"math.cosh", [](double x) { return std::cosh(x); }},
      {"math.erf", [](double x) { return std::erf(x); }},
      {"math.erfc", [](double x) { return std::erfc(x); }},
      {"math.exp", [](double x) { return std::exp(x); }},
      {"math.exp2", [](double x) { return std::exp2(x); }},
      {"math.expm1", [](double x) { return std::expm1(x); }},
      {"math.floor", [](double x) { return std::floor(x); }},
      {"math.log", [](double x) { return std::log(x); }},
      {"math.log10", [](double x) { return std::log10(x); }},
      {"math.log1p", [](double x) { return std::log1p(x); }},
      {"math.log2", [](double x) { return std::log2(x); }},
      {"math.round", [](double x) { return std::round(x); }},
      {"math.roundeven", [](double x) { return std::nearbyint(x); }},
      {"math.rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {"math.sin", [](double x) { return std::sin(x); }},
      {"math.sinh", [](double x) { return std::sinh(x); }},
      {"math.sqrt", [](double x) { return std::sqrt(x); }},
      {"math.tan", [](double x) { return std::tan(x); }},
      {"math.tanh", [](double x) { return std::tanh(x); }},
      {"math.trunc", [](double x) { return std::trunc(x); }}};
  return functions.lookup(name);
}

/// NaN if one is, and -0 below +0.
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  if (x == y)
    return std::signbit(x) ? y : x;
  return x > y ? x : y;
}

static FloatBinary getFloatBinary(StringRef name) {
  static const llvm::StringMap<FloatBinary> functions = {
      {"arith.addf", [](double x, double y) { return x + y; }},
      {"arith.subf", [](double x, double y) { return x - y; }},
      {"arith.mulf", [](double x, double y) { return x * y; }},
      {"arith.divf", [](double x, double y) { return x / y; }},
      {"arith.remf", [](double x, double y) { return std::fmod(x, y); }},
      {"arith.maximumf", maximum},
      {"arith.minimumf", [](double x, double y) { return -maximum(-x, -y); }},
      {"arith.maxnumf", [](double x, double y) { return std::fmax(x, y); }},
      {"arith.minnumf", [](double x, double y) { return std::fmin(x, y); }},
      {"math.atan2", [](double x, double y) { return std::atan2(x, y); }},
      {"math.copysign", [](double x, double y) { return std::copysign(x, y); }},
      {"math.powf", [](double x, double y) { return std::pow(x, y); }}};
  return functions.lookup(name);
}

static bool compare(arith::CmpFPredicate predicate, double x, double y) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(x) || std::isnan(y);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return x == y;
  case P::OGT:
    return x > y;
  case P::OGE:
    return x >= y;
  case P::OLT:
    return x < y;
  case P::OLE:
    return x <= y;
  case P::ONE:
    return !unordered && x != y;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || x == y;
  case P::UGT:
    return unordered || x > y;
  case P::UGE:
    return unordered || x >= y;
  case P::ULT:
    return unordered || x < y;
  case P::ULE:
    return unordered || x <= y;
  case P::UNE:
    return x != y;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are covered");
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

using IntegerBinary = int64_t (*)(int64_t, int64_t);

/// Of values that are sign-extended; results are wrapped to the type after.
static IntegerBinary getIntegerBinary(StringRef name) {
  static const llvm::StringMap<IntegerBinary> functions = {
      {"arith.addi",
       [](int64_t x, int64_t y) { return int64_t(uint64_t(x) + uint64_t(y)); }},
      {"arith.subi",
       [](int64_t x, int64_t y) { return int64_t(uint64_t(x) - uint64_t(y)); }},
      {"arith.muli",
       [](int64_t x, int64_t y) { return int64_t(uint64_t(x) * uint64_t(y)); }},
      {"arith.andi", [](int64_t x, int64_t y) { return x & y; }},
      {"arith.ori", [](int64_t x, int64_t y) { return x | y; }},
      {"arith.xori", [](int64_t x, int64_t y) { return x ^ y; }},
      {"arith.maxsi", [](int64_t x, int64_t y) { return std::max(x, y); }},
      {"arith.minsi", [](int64_t x, int64_t y) { return std::min(x, y); }},
      // Extending the sign keeps the order of unsigned values.
      {"arith.maxui",
       [](int64_t x, int64_t y) { return int64_t(std::max<uint64_t>(x, y)); }},
      {"arith.minui",
       [](int64_t x, int64_t y) { return int64_t(std::min<uint64_t>(x, y)); }}};
  return functions.lookup(name);
}

/// Divisors are not 0; signed dividends and divisors do not overflow.
static IntegerBinary getDivision(StringRef name) {
  static const llvm::StringMap<IntegerBinary> functions = {
      {"arith.divsi", [](int64_t x, int64_t y) { return x / y; }},
      {"arith.remsi", [](int64_t x, int64_t y) { return x % y; }},
      {"arith.floordivsi",
       [](int64_t x, int64_t y) {
         return x / y - (x % y && (x < 0) != (y < 0));
       }},
      {"arith.ceildivsi", [](int64_t x, int64_t y) {
         return x / y + (x % y && (x < 0) == (y < 0));
       }}};
  return functions.lookup(name);
}

/// Of values that are zero-extended.
static IntegerBinary getUnsignedDivision(StringRef name) {
  static const llvm::StringMap<IntegerBinary> functions = {
      {"arith.divui",
       [](int64_t x, int64_t y) { return int64_t(uint64_t(x) / uint64_t(y)); }},
      {"arith.remui",
       [](int64_t x, int64_t y) { return int64_t(uint64_t(x) % uint64_t(y)); }},
      {"arith.ceildivui", [](int64_t x, int64_t y) {
         return int64_t(uint64_t(x) / uint64_t(y) +
                        (uint64_t(x) % uint64_t(y) != 0));
       }}};
  return functions.lookup(name);
}

static int64_t getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

static int64_t zeroExtend(int64_t value, int64_t width) {
  return width == 64 ? value : value & ((int64_t(1) << width) - 1);
}

static bool compare(arith::CmpIPredicate predicate, int64_t x, int64_t y) {
  using P = arith::CmpIPredicate;
  auto ux = uint64_t(x), uy = uint64_t(y);
  switch (predicate) {
  case P::eq:
    return x == y;
  case P::ne:
    return x != y;
  case P::slt:
    return x < y;
  case P::sle:
    return x <= y;
  case P::sgt:
    return x > y;
  case P::sge:
    return x >= y;
  case P::ult:
    return ux < uy;
  case P::ule:
    return ux <= uy;
  case P::ugt:
    return ux > uy;
  case P::uge:
    return ux >= uy;
  }
  llvm_unreachable("all predicates are covered");
}

/// A shift by the width or more, which has no defined value, gives 0.
static int64_t shift(Operation *op, int64_t x, int64_t by, int64_t width) {
  if (by < 0 || by >= width)
    return 0;
  if (isa<arith::ShLIOp>(op))
    return int64_t(uint64_t(x) << by);
  return isa<arith::ShRSIOp>(op)
             ? x >> by
             : int64_t(uint64_t(zeroExtend(x, width)) >> by);
}

static int64_t power(int64_t base, int64_t exponent) {
  uint64_t result = 1, square = base;
  for (; exponent > 0; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return int64_t(result);
}

/// Toward zero; NaN gives 0, what is out of range the nearest value.
static int64_t truncate(double x, bool isSigned, int64_t width) {
  if (std::isnan(x))
    return 0;
  x = std::trunc(x);
  double low = isSigned ? -std::ldexp(1.0, width - 1) : 0.0;
  double end = std::ldexp(1.0, isSigned ? width - 1 : width);
  if (x < low)
    x = low;
  if (x >= end)
    return isSigned ? int64_t((uint64_t(1) << (width - 1)) - 1) : -1;
  return isSigned ? int64_t(x) : int64_t(uint64_t(x));
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

static LogicalResult divide(StringRef name, int64_t width, const Lanes &lhs,
                            const Lanes &rhs, int64_t count, Lanes &result) {
  IntegerBinary function = getDivision(name);
  bool isSigned = function;
  if (!function)
    function = getUnsignedDivision(name);
  for (int64_t i = 0; i < count; ++i) {
    int64_t x = lhs.integers[i], y = rhs.integers[i];
    if (!isSigned) {
      x = zeroExtend(x, width);
      y = zeroExtend(y, width);
    }
    if (y == 0 ||
        (isSigned && y == -1 && x == std::numeric_limits<int64_t>::min()))
      return failure();
    result.integers[i] = function(x, y);
  }
  return success();
}

/// Conversions, comparisons and what takes other operands than one or two of
/// the result's type. False if `op` is none of them.
static bool evaluateOther(Operation *op, ArrayRef<const Lanes *> in,
                          Type operandType, Type resultType, int64_t count,
                          Lanes &result) {
  auto &floats = result.floats;
  auto &integers = result.integers;
  auto each = [&](auto body) {
    for (int64_t i = 0; i < count; ++i)
      body(i);
    return true;
  };
  int64_t width = getWidth(operandType);
  if (isa<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(op))
    return each([&](int64_t i) { integers[i] = in[0]->integers[i]; });
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    return each([&](int64_t i) {
      integers[i] = zeroExtend(in[0]->integers[i], width);
    });
  if (isa<arith::SIToFPOp>(op))
    return each([&](int64_t i) { floats[i] = double(in[0]->integers[i]); });
  if (isa<arith::UIToFPOp>(op))
    return each([&](int64_t i) {
      floats[i] = double(uint64_t(zeroExtend(in[0]->integers[i], width)));
    });
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
    return each([&](int64_t i) {
      integers[i] = truncate(in[0]->floats[i], isa<arith::FPToSIOp>(op),
                             getWidth(resultType));
    });
  if (auto cmp = dyn_cast<arith::CmpFOp>(op))
    return each([&, predicate = cmp.getPredicate()](int64_t i) {
      integers[i] =
          -int64_t(compare(predicate, in[0]->floats[i], in[1]->floats[i]));
    });
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return each([&, predicate = cmp.getPredicate()](int64_t i) {
      integers[i] =
          -int64_t(compare(predicate, in[0]->integers[i], in[1]->integers[i]));
    });
  if (isa<arith::SelectOp>(op))
    return each([&](int64_t i) {
      const Lanes &chosen = in[0]->integers[i] ? *in[1] : *in[2];
      if (isa<FloatType>(resultType))
        floats[i] = chosen.floats[i];
      else
        integers[i] = chosen.integers[i];
    });
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op))
    return each([&](int64_t i) {
      integers[i] = shift(op, in[0]->integers[i], in[1]->integers[i], width);
    });
  if (isa<math::FmaOp>(op))
    return each([&](int64_t i) {
      floats[i] =
          std::fma(in[0]->floats[i], in[1]->floats[i], in[2]->floats[i]);
    });
  if (isa<math::ClampFOp>(op))
    return each([&](int64_t i) {
      floats[i] = std::fmin(std::fmax(in[0]->floats[i], in[1]->floats[i]),
                            in[2]->floats[i]);
    });
  if (isa<math::FPowIOp>(op))
    return each([&](int64_t i) {
      floats[i] = std::pow(in[0]->floats[i], double(in[1]->integers[i]));
    });
  if (isa<math::IPowIOp>(op))
    return each([&](int64_t i) {
      int64_t x = in[0]->integers[i], y = in[1]->integers[i];
      // Of a negative power all but 1 and -1 round to 0.
      bool isUnit = x == 1 || x == -1;
      integers[i] = y >= 0 ? power(x, y) : isUnit ? power(x, -y) : 0;
    });
  if (isa<math::AbsIOp>(op))
    return each([&](int64_t i) {
      int64_t x = in[0]->integers[i];
      integers[i] = x < 0 ? int64_t(-uint64_t(x)) : x;
    });
  if (isa<math::IsNaNOp>(op))
    return each([&](int64_t i) {
      integers[i] = -int64_t(std::isnan(in[0]->floats[i]));
    });
  if (isa<math::IsInfOp>(op))
    return each([&](int64_t i) {
      integers[i] = -int64_t(std::isinf(in[0]->floats[i]));
    });
  if (isa<math::IsFiniteOp>(op))
    return each([&](int64_t i) {
      integers[i] = -int64_t(std::isfinite(in[0]->floats[i]));
    });
  return false;
}

LogicalResult vitc::evaluateScalarOp(Operation *op,
                                     ArrayRef<const Lanes *> operands,
                                     int64_t count, Lanes &result) {
  if (op->getNumResults() != 1 || operands.empty())
    return failure();
  StringRef name = op->getName().getStringRef();
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  Type operandType = getElementTypeOrSelf(op->getOperand(0).getType());
  if (isa<FloatType>(type))
    result.floats.resize(count);
  else
    result.integers.resize(count);

  if (FloatUnary function = getFloatUnary(name)) {
    for (int64_t i = 0; i < count; ++i)
      result.floats[i] = function(operands[0]->floats[i]);
  } else if (FloatBinary function = getFloatBinary(name)) {
    for (int64_t i = 0; i < count; ++i)
      result.floats[i] =
          function(operands[0]->floats[i], operands[1]->floats[i]);
  } else if (IntegerBinary function = getIntegerBinary(name)) {
    for (int64_t i = 0; i < count; ++i)
      result.integers[i] =
          function(operands[0]->integers[i], operands[1]->integers[i]);
  } else if (getDivision(name) || getUnsignedDivision(name)) {
    if (failed(divide(name, getWidth(type), *operands[0], *operands[1], count,
                      result)))
      return failure();
  } else if (!evaluateOther(op, operands, operandType, type, count, result)) {
    return failure();
  }
  roundLanes(type, count, result);
  return success();
}
