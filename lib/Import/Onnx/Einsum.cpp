//===- Einsum.cpp - ONNX's Einsum -----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands are multiplied from left to right; each step keeps the labels that
// the result or a later operand names. A step that sums is a linalg.contract,
// one that does not is a broadcast product.
//
// A label is a letter, or one of the numbers below 'A' that stand for the dims
// of an ellipsis, counted from the last.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc::onnx;

using Labels = SmallVector<char, 6>;

namespace {
/// A tensor whose dims have distinct labels.
struct Term {
  Value value;
  Labels labels;

  bool has(char label) const { return llvm::is_contained(labels, label); }
};

class EinsumBuilder {
public:
  EinsumBuilder(Node &node) : node(node), b(node.b) {}

  LogicalResult parse(StringRef equation);
  LogicalResult verifySizes();
  Value build();

private:
  FailureOr<Labels> parseLabels(StringRef text, int64_t ellipsisRank);
  /// The dims of a repeated label become one, their diagonal.
  Term takeDiagonals(Value value, ArrayRef<char> labels);
  Term sumAllBut(Term term, llvm::function_ref<bool(char)> keep);
  Term multiply(Term lhs, Term rhs, llvm::function_ref<bool(char)> keep);
  Value permute(Term term, ArrayRef<char> labels);
  /// Drops dims of size 1 that broadcast against a larger one.
  Term dropBroadcast(Term term);
  bool isNeededAfter(char label, unsigned operand) const;

  Node &node;
  TensorBuilder &b;
  SmallVector<Labels> operands;
  Labels result;
  int64_t ellipsisRank = 0;
  llvm::DenseMap<char, Size> sizes;
};
} // namespace

//===----------------------------------------------------------------------===//
// The equation
//===----------------------------------------------------------------------===//

FailureOr<Labels> EinsumBuilder::parseLabels(StringRef text, int64_t rank) {
  Labels labels;
  while (!text.empty()) {
    if (text.consume_front("...")) {
      for (int64_t dim = rank; dim-- > 0;)
        labels.push_back(static_cast<char>(dim));
      continue;
    }
    if (!llvm::isAlpha(text.front()))
      return node.emitError() << "equation has '" << text.front()
                              << "' where a letter is needed";
    labels.push_back(text.front());
    text = text.drop_front();
  }
  return labels;
}

LogicalResult EinsumBuilder::parse(StringRef equation) {
  std::string text;
  for (char c : equation)
    if (c != ' ')
      text.push_back(c);
  StringRef lhs = text, rhs;
  bool isExplicit = lhs.contains("->");
  if (isExplicit)
    std::tie(lhs, rhs) = StringRef(text).split("->");
  SmallVector<StringRef> terms;
  lhs.split(terms, ',');
  if (terms.size() != node.getNumInputs())
    return node.emitError()
           << "equation has " << terms.size() << " operands; the node has "
           << node.getNumInputs() << " inputs";
  for (auto [index, term] : llvm::enumerate(terms)) {
    int64_t rank = node.getShape(index).size();
    int64_t rest = rank - static_cast<int64_t>(term.size());
    bool hasEllipsis = term.contains("...");
    if (hasEllipsis)
      rest += 3;
    if (hasEllipsis ? rest < 0 : rest != 0)
      return node.emitError()
             << "input " << index << " has " << rank
             << " dims; the equation's '" << term << "' needs another number";
    if (rest > 'A')
      return node.emitError() << "input " << index << " has too many dims";
    FailureOr<Labels> labels = parseLabels(term, rest);
    if (failed(labels))
      return failure();
    operands.push_back(*labels);
    ellipsisRank = std::max(ellipsisRank, rest);
  }
  if (isExplicit) {
    FailureOr<Labels> labels = parseLabels(rhs, ellipsisRank);
    if (failed(labels))
      return failure();
    result = *labels;
    return success();
  }
  // Implicit: the ellipsis, then the letters that occur once, sorted.
  for (int64_t dim = ellipsisRank; dim-- > 0;)
    result.push_back(static_cast<char>(dim));
  for (char letter = 'A'; letter <= 'z'; ++letter) {
    int64_t count = 0;
    for (const Labels &labels : operands)
      count += llvm::count(labels, letter);
    if (count == 1)
      result.push_back(letter);
  }
  return success();
}

LogicalResult EinsumBuilder::verifySizes() {
  for (auto [index, labels] : llvm::enumerate(operands)) {
    llvm::DenseMap<char, Size> own;
    for (auto [label, size] : llvm::zip(labels, node.getShape(index))) {
      Size other = own.try_emplace(label, size).first->second;
      Size &common = sizes.try_emplace(label, size).first->second;
      if (common == Size(1))
        common = size;
      if (other != size || (size != Size(1) && size != common))
        return node.emitError()
               << "a label of input " << index << " has size "
               << Node::format(size) << " there and "
               << Node::format(other != size ? other : common) << " elsewhere";
    }
  }
  for (auto [position, label] : llvm::enumerate(result)) {
    if (!sizes.contains(label))
      return node.emitError() << "label '" << label
                              << "' of the result is not one of the operands'";
    if (llvm::is_contained(ArrayRef<char>(result).take_front(position), label))
      return node.emitError()
             << "label '" << label << "' occurs twice in the result";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Term EinsumBuilder::takeDiagonals(Value value, ArrayRef<char> labels) {
  Term term{value, {}};
  Shape from = b.getShape(value), shape;
  SmallVector<int64_t> positions;
  for (auto [dim, label] : llvm::enumerate(labels)) {
    auto it = llvm::find(term.labels, label);
    positions.push_back(it - term.labels.begin());
    if (it == term.labels.end()) {
      term.labels.push_back(label);
      shape.push_back(from[dim]);
    }
  }
  if (term.labels.size() == labels.size())
    return term;
  term.value =
      b.gather(shape, TensorBuilder::getElementType(value),
               [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
                 SmallVector<Value> indices;
                 for (int64_t position : positions)
                   indices.push_back(linalg::IndexOp::create(b, position));
                 return tensor::ExtractOp::create(b, value, indices);
               });
  return term;
}

Term EinsumBuilder::sumAllBut(Term term, llvm::function_ref<bool(char)> keep) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [dim, label] : llvm::enumerate(term.labels)) {
    if (keep(label))
      kept.push_back(label);
    else
      axes.push_back(dim);
  }
  if (axes.empty())
    return term;
  Tensor like{term.value};
  Value sum = b.reduce(
      term.value, axes, /*keepDims=*/false,
      b.getScalarAttr(like.getElementType(), 0),
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return createByType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(
            b, like, args[0], args[1]);
      });
  return {sum, kept};
}

Term EinsumBuilder::dropBroadcast(Term term) {
  Term kept{term.value, {}};
  Shape from = b.getShape(term.value), shape;
  for (auto [size, label] : llvm::zip(from, term.labels)) {
    if (size == Size(1) && sizes[label] != Size(1))
      continue;
    kept.labels.push_back(label);
    shape.push_back(size);
  }
  if (shape.size() != from.size())
    kept.value = b.reshape(term.value, shape);
  return kept;
}

Value EinsumBuilder::permute(Term term, ArrayRef<char> labels) {
  SmallVector<int64_t> perm;
  for (char label : labels)
    if (term.has(label))
      perm.push_back(llvm::find(term.labels, label) - term.labels.begin());
  return llvm::is_sorted(perm) ? term.value : b.transpose(term.value, perm);
}

Term EinsumBuilder::multiply(Term lhs, Term rhs,
                             llvm::function_ref<bool(char)> keep) {
  // What only one operand has and nobody needs is summed before.
  lhs = sumAllBut(lhs, [&](char l) { return keep(l) || rhs.has(l); });
  rhs = sumAllBut(rhs, [&](char l) { return keep(l) || lhs.has(l); });
  Labels kept, summed;
  for (char label : lhs.labels)
    (keep(label) ? kept : summed).push_back(label);
  for (char label : rhs.labels)
    if (!lhs.has(label))
      kept.push_back(label);

  Shape shape;
  for (char label : kept)
    shape.push_back(sizes[label]);
  if (summed.empty()) {
    auto widen = [&](Term term) {
      Shape wide;
      for (char label : kept)
        wide.push_back(term.has(label) ? sizes[label] : Size(1));
      return b.reshape(permute(term, kept), wide);
    };
    Tensor like{lhs.value};
    Value product = b.elementwise(
        {widen(lhs), widen(rhs)}, like.getElementType(),
        [&](ImplicitLocOpBuilder &b, ValueRange args) {
          return createByType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(
              b, like, args[0], args[1]);
        });
    return {product, kept};
  }

  Labels loops(kept);
  llvm::append_range(loops, summed);
  auto getMap = [&](ArrayRef<char> labels) {
    SmallVector<AffineExpr> exprs;
    for (char label : labels)
      exprs.push_back(
          b.getAffineDimExpr(llvm::find(loops, label) - loops.begin()));
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  return {b.contract(lhs.value, getMap(lhs.labels), rhs.value,
                     getMap(rhs.labels), shape, getMap(kept)),
          kept};
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

bool EinsumBuilder::isNeededAfter(char label, unsigned operand) const {
  if (llvm::is_contained(result, label))
    return true;
  return llvm::any_of(
      ArrayRef<Labels>(operands).drop_front(operand + 1),
      [&](const Labels &labels) { return llvm::is_contained(labels, label); });
}

Value EinsumBuilder::build() {
  Term product;
  for (auto [index, labels] : llvm::enumerate(operands)) {
    Term term = dropBroadcast(takeDiagonals(node.input(index).value, labels));
    auto keep = [&, operand = index](char label) {
      return isNeededAfter(label, operand);
    };
    product =
        index == 0 ? sumAllBut(term, keep) : multiply(product, term, keep);
  }
  return permute(product, result);
}

static LogicalResult importEinsum(Node &node) {
  FailureOr<std::string> equation = node.getRequiredString("equation");
  if (failed(equation))
    return failure();
  for (unsigned index = 0; index != node.getNumInputs(); ++index) {
    if (!node.hasInput(index))
      return node.emitError() << "input " << index << " is absent; each operand"
                              << " of the equation is needed";
    if (failed(verifyTypeOfFirst(node, index)))
      return failure();
  }
  EinsumBuilder einsum(node);
  if (failed(einsum.parse(*equation)) || failed(einsum.verifySizes()))
    return failure();
  node.setOutput(0, einsum.build(), node.input(0).isUnsigned);
  return success();
}

void vitc::onnx::registerEinsumOps(OpRegistry &registry) {
  registry.add("Einsum", importEinsum);
}
