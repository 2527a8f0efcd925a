//===- Run.cpp - Pictures in, what they show out --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Program/PictureFiles.h"
#include "Program/Tasks.h"

#include <fmt/format.h>

using namespace vitc::rt;

void vitc::rt::runImages(const vitc_model &model, const Options &options,
                         Output &output) {
  AnswerFn answerPicture = makeAnswer(model, options);
  PictureInput pictures(model);
  JsonWriter json;
  json.beginArray();
  for (const PictureFile &file : listPictures(options.images)) {
    pictures.runOrTile(file.path);
    PictureResult result{file.path, joinPath(options.outputDir, file.name),
                         pictures};
    json.beginObject();
    json.key("image").value(file.path);
    Answer answer{json, &output};
    answerPicture(result, answer);
    if (!answer.files.empty()) {
      json.key("files").beginArray();
      for (const std::string &path : answer.files)
        json.value(path);
      json.endArray();
    }
    json.endObject();
    if (!options.json)
      for (const std::string &line : answer.lines)
        output.print(fmt::format("{}: {}\n", file.path, line));
  }
  json.endArray();
  if (options.json)
    output.print(json.text());
}
