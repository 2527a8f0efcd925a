//===- IndexSimplify.cpp - Index maps of bounded dims ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An expression is a constant plus terms, each a coefficient times an atom: a
// dim, a quotient or a remainder. With c > 0 and the terms split into c * q + r
//   (c * q + r) floordiv c = q + r floordiv c       = q where r is in [0, c)
//   (c * q + r) mod c      = r mod c                = r where r is in [0, c)
// and, for a g that divides c and g * x + y with y in [0, g),
//   (g * x + y) floordiv c = x floordiv (c / g)
//   (g * x + y) mod c      = g * (x mod (c / g)) + y.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;

namespace {

/// Both ends belong to it; none: no bound.
struct Bounds {
  std::optional<int64_t> low, high;

  bool isWithin(int64_t size) const {
    return low && high && *low >= 0 && *high < size;
  }
};

struct Term {
  AffineExpr atom;
  int64_t factor;
};

/// constant + sum of factor * atom; no atom is there twice.
struct Sum {
  SmallVector<Term> terms;
  int64_t constant = 0;

  void add(AffineExpr atom, int64_t factor) {
    auto *known = llvm::find_if(
        terms, [&](const Term &term) { return term.atom == atom; });
    if (known == terms.end()) {
      if (factor != 0)
        terms.push_back({atom, factor});
      return;
    }
    known->factor += factor;
    if (known->factor == 0)
      terms.erase(known);
  }
  void add(const Sum &other, int64_t factor = 1) {
    constant += other.constant * factor;
    for (const Term &term : other.terms)
      add(term.atom, term.factor * factor);
  }
};

class Simplifier {
public:
  Simplifier(MLIRContext *context, ArrayRef<int64_t> sizes)
      : context(context), sizes(sizes) {}

  Sum simplify(AffineExpr expr);
  AffineExpr toExpr(const Sum &sum);

private:
  Sum divide(const Sum &sum, int64_t divisor);
  Sum remainder(const Sum &sum, int64_t divisor);
  void joinDivisions(Sum &sum);
  bool joinDivision(Sum &sum, const Term &term);

  Bounds getBounds(AffineExpr atom);
  Bounds getBounds(const Sum &sum);

  MLIRContext *context;
  ArrayRef<int64_t> sizes;
};

} // namespace

static std::optional<int64_t> addBounds(std::optional<int64_t> a,
                                        std::optional<int64_t> b) {
  int64_t sum;
  if (!a || !b || llvm::AddOverflow(*a, *b, sum))
    return std::nullopt;
  return sum;
}

static std::optional<int64_t> scaleBound(std::optional<int64_t> bound,
                                         int64_t factor) {
  int64_t product;
  if (!bound || llvm::MulOverflow(*bound, factor, product))
    return std::nullopt;
  return product;
}

Bounds Simplifier::getBounds(AffineExpr atom) {
  if (auto dim = dyn_cast<AffineDimExpr>(atom)) {
    int64_t size = sizes[dim.getPosition()];
    if (ShapedType::isDynamic(size))
      return {0, std::nullopt};
    return {0, std::max<int64_t>(size - 1, 0)};
  }
  auto binary = cast<AffineBinaryOpExpr>(atom);
  int64_t divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  Bounds operand = getBounds(simplify(binary.getLHS()));
  if (atom.getKind() == AffineExprKind::Mod) {
    if (operand.isWithin(divisor))
      return operand;
    return {0, divisor - 1};
  }
  auto divide = [&](std::optional<int64_t> bound) {
    if (bound)
      bound = llvm::divideFloorSigned(*bound, divisor);
    return bound;
  };
  return {divide(operand.low), divide(operand.high)};
}

Bounds Simplifier::getBounds(const Sum &sum) {
  Bounds range = {sum.constant, sum.constant};
  for (const Term &term : sum.terms) {
    Bounds atom = getBounds(term.atom);
    if (term.factor < 0)
      std::swap(atom.low, atom.high);
    range.low = addBounds(range.low, scaleBound(atom.low, term.factor));
    range.high = addBounds(range.high, scaleBound(atom.high, term.factor));
  }
  return range;
}

/// The sum that `expr` is written as.
static Sum flatten(AffineExpr expr) {
  Sum result;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.constant = constant.getValue();
  } else if (expr.getKind() == AffineExprKind::Add) {
    result.add(flatten(binary.getLHS()));
    result.add(flatten(binary.getRHS()));
  } else if (expr.getKind() == AffineExprKind::Mul) {
    result.add(flatten(binary.getLHS()),
               cast<AffineConstantExpr>(binary.getRHS()).getValue());
  } else {
    result.add(expr, 1);
  }
  return result;
}

/// Splits `sum` into divisor * first + second; the constant of second is in
/// [0, divisor).
static std::pair<Sum, Sum> splitBy(const Sum &sum, int64_t divisor) {
  Sum quotient, rest;
  quotient.constant = llvm::divideFloorSigned(sum.constant, divisor);
  rest.constant = sum.constant - quotient.constant * divisor;
  for (const Term &term : sum.terms) {
    if (term.factor % divisor == 0)
      quotient.terms.push_back({term.atom, term.factor / divisor});
    else
      rest.terms.push_back(term);
  }
  return {quotient, rest};
}

/// Divisors of `divisor` that some factors of `sum` share with it, the largest
/// first.
static SmallVector<int64_t> getSharedDivisors(const Sum &sum, int64_t divisor) {
  SmallVector<int64_t> shared;
  for (const Term &term : sum.terms) {
    int64_t common = std::gcd(term.factor, divisor);
    if (common > 1 && common < divisor && !llvm::is_contained(shared, common))
      shared.push_back(common);
  }
  llvm::sort(shared, std::greater<>());
  return shared;
}

Sum Simplifier::divide(const Sum &sum, int64_t divisor) {
  if (divisor == 1)
    return sum;
  auto [quotient, rest] = splitBy(sum, divisor);
  if (getBounds(rest).isWithin(divisor))
    return quotient;
  for (int64_t common : getSharedDivisors(rest, divisor)) {
    auto [scaled, small] = splitBy(rest, common);
    if (!getBounds(small).isWithin(common))
      continue;
    quotient.add(divide(scaled, divisor / common));
    return quotient;
  }
  if (rest.terms.size() == 1 && rest.terms[0].factor == 1 &&
      rest.constant == 0) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(rest.terms[0].atom);
    if (binary) {
      int64_t inner = cast<AffineConstantExpr>(binary.getRHS()).getValue();
      if (binary.getKind() == AffineExprKind::FloorDiv) {
        quotient.add(divide(simplify(binary.getLHS()), inner * divisor));
        return quotient;
      }
      // (x mod a) floordiv b = (x floordiv b) mod (a / b)
      if (inner % divisor == 0) {
        quotient.add(remainder(divide(simplify(binary.getLHS()), divisor),
                               inner / divisor));
        return quotient;
      }
    }
  }
  quotient.add(flatten(toExpr(rest).floorDiv(divisor)));
  return quotient;
}

Sum Simplifier::remainder(const Sum &sum, int64_t divisor) {
  if (divisor == 1)
    return {};
  Sum rest = splitBy(sum, divisor).second;
  if (getBounds(rest).isWithin(divisor))
    return rest;
  // f * (x mod a) differs from f * x by a multiple of the divisor.
  for (const Term &term : rest.terms) {
    if (term.atom.getKind() != AffineExprKind::Mod)
      continue;
    auto binary = cast<AffineBinaryOpExpr>(term.atom);
    int64_t inner = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    if (term.factor * inner % divisor != 0)
      continue;
    Sum whole = rest;
    whole.add(term.atom, -term.factor);
    whole.add(simplify(binary.getLHS()), term.factor);
    return remainder(whole, divisor);
  }
  for (int64_t common : getSharedDivisors(rest, divisor)) {
    auto [scaled, small] = splitBy(rest, common);
    if (!getBounds(small).isWithin(common))
      continue;
    Sum result = small;
    result.add(remainder(scaled, divisor / common), common);
    return result;
  }
  return flatten(toExpr(rest) % divisor);
}

/// Replaces f * c * (x floordiv c) + f * (x mod c) by f * x, where `term` is
/// f * (x mod c).
bool Simplifier::joinDivision(Sum &sum, const Term &term) {
  if (term.atom.getKind() != AffineExprKind::Mod)
    return false;
  auto binary = cast<AffineBinaryOpExpr>(term.atom);
  int64_t divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  Sum dividend = simplify(binary.getLHS());
  Sum quotient = divide(dividend, divisor);
  int64_t factor = term.factor;
  bool isThere = !quotient.terms.empty() &&
                 llvm::all_of(quotient.terms, [&](const Term &part) {
                   return llvm::any_of(sum.terms, [&](const Term &other) {
                     return other.atom == part.atom &&
                            other.factor == part.factor * factor * divisor;
                   });
                 });
  if (!isThere)
    return false;
  sum.add(AffineExpr(term.atom), -factor);
  sum.add(quotient, -factor * divisor);
  sum.add(dividend, factor);
  return true;
}

void Simplifier::joinDivisions(Sum &sum) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Term &term : SmallVector<Term>(sum.terms))
      if (joinDivision(sum, term)) {
        changed = true;
        break;
      }
  }
}

Sum Simplifier::simplify(AffineExpr expr) {
  Sum result;
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    result.constant = cast<AffineConstantExpr>(expr).getValue();
    return result;
  case AffineExprKind::DimId:
    // A dim of size 1 is 0.
    if (sizes[cast<AffineDimExpr>(expr).getPosition()] != 1)
      result.add(expr, 1);
    return result;
  case AffineExprKind::SymbolId:
    llvm_unreachable("index maps have no symbols");
  default:
    break;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Sum lhs = simplify(binary.getLHS());
  if (expr.getKind() == AffineExprKind::Add) {
    lhs.add(simplify(binary.getRHS()));
    joinDivisions(lhs);
    return lhs;
  }
  int64_t factor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  if (expr.getKind() == AffineExprKind::Mul) {
    result.add(lhs, factor);
    return result;
  }
  if (expr.getKind() == AffineExprKind::Mod)
    return remainder(lhs, factor);
  if (expr.getKind() == AffineExprKind::CeilDiv)
    lhs.constant += factor - 1;
  return divide(lhs, factor);
}

AffineExpr Simplifier::toExpr(const Sum &sum) {
  AffineExpr result = getAffineConstantExpr(0, context);
  for (const Term &term : sum.terms)
    result = result + term.atom * term.factor;
  return result + sum.constant;
}

AffineExpr vitc::simplifyIndex(AffineExpr expr, ArrayRef<int64_t> sizes) {
  Simplifier simplifier(expr.getContext(), sizes);
  return simplifier.toExpr(simplifier.simplify(expr));
}

AffineMap vitc::simplifyIndices(AffineMap map, ArrayRef<int64_t> sizes) {
  SmallVector<AffineExpr> results;
  for (AffineExpr result : map.getResults())
    results.push_back(simplifyIndex(result, sizes));
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

AffineExpr vitc::linearizeIndices(ArrayRef<AffineExpr> indices,
                                  ArrayRef<int64_t> shape) {
  AffineExpr number = indices.front();
  for (auto [index, size] : llvm::zip(indices.drop_front(), shape.drop_front()))
    number = number * size + index;
  return number;
}

SmallVector<AffineExpr> vitc::delinearizeIndex(AffineExpr number,
                                               ArrayRef<int64_t> shape) {
  SmallVector<AffineExpr> indices(shape.size());
  for (size_t dim = shape.size(); dim-- > 0;) {
    if (dim == 0) {
      indices[dim] = number;
      break;
    }
    indices[dim] = number % shape[dim];
    number = number.floorDiv(shape[dim]);
  }
  return indices;
}

std::optional<int64_t>
vitc::getMemoryStride(AffineMap map, ArrayRef<int64_t> shape, unsigned dim) {
  MLIRContext *context = map.getContext();
  AffineExpr offset = getAffineConstantExpr(0, context);
  int64_t size = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    offset = map.getResult(i) * size + offset;
    if (i > 0)
      size *= shape[i];
  }
  AffineExpr position = getAffineDimExpr(dim, context);
  AffineExpr step =
      simplifyAffineExpr(offset.replace(position, position + 1) - offset,
                         map.getNumDims(), /*numSymbols=*/0);
  if (auto constant = dyn_cast<AffineConstantExpr>(step))
    return constant.getValue();
  return std::nullopt;
}
