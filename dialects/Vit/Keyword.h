//===- Keyword.h - Enum attributes as bare keywords ---------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// custom<Keyword>($attr) of an op's assembly format: `first` rather than
// `#vit.queries<first>`.
//
//===----------------------------------------------------------------------===//

#ifndef VIT_KEYWORD_H
#define VIT_KEYWORD_H

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"

namespace vitc::vit {

template <typename EnumAttr>
mlir::ParseResult parseKeyword(mlir::OpAsmParser &parser, EnumAttr &attr) {
  auto value = mlir::FieldParser<decltype(attr.getValue())>::parse(parser);
  if (failed(value))
    return mlir::failure();
  attr = EnumAttr::get(parser.getContext(), *value);
  return mlir::success();
}

/// As parseKeyword where the keyword may be absent.
template <typename EnumAttr>
mlir::OptionalParseResult parseOptionalKeyword(mlir::OpAsmParser &parser,
                                               EnumAttr &attr) {
  using Enum = decltype(attr.getValue());
  llvm::SMLoc loc = parser.getCurrentLocation();
  llvm::StringRef keyword;
  if (failed(parser.parseOptionalKeyword(&keyword)))
    return std::nullopt;
  std::optional<Enum> value = symbolizeEnum<Enum>(keyword);
  if (!value)
    return parser.emitError(loc) << "'" << keyword << "' is no known keyword";
  attr = EnumAttr::get(parser.getContext(), *value);
  return mlir::OptionalParseResult(mlir::success());
}

template <typename EnumAttr>
void printKeyword(mlir::OpAsmPrinter &printer, mlir::Operation *,
                  EnumAttr attr) {
  printer << stringifyEnum(attr.getValue());
}

template <typename EnumAttr>
void printOptionalKeyword(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                          EnumAttr attr) {
  printKeyword(printer, op, attr);
}

} // namespace vitc::vit

#endif // VIT_KEYWORD_H
