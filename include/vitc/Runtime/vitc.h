/*===- vitc.h - C ABI of a compiled model -------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the vitc project, under the Apache License v2.0 with LLVM          *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The only header a deployed program needs. A compiled model exports one     *|
|* descriptor, `vitc_model_descriptor`. A .so carries the runtime; a .o is    *|
|* linked with the runtime's libraries.                                       *|
|*                                                                            *|
|*   vitc_runtime_t  the thread pool; shared by any number of models.         *|
|*   vitc_model_t    immutable; shared by any number of sessions and threads. *|
|*   vitc_session_t  one arena; used by one thread at a time.                 *|
|*                                                                            *|
|* Every call that can fail returns a status and, when `error` is not NULL,   *|
|* fills it with one line that says what was found and what was needed.       *|
|* Out-parameters are written only on success. No globals, no abort, and no   *|
|* C++ exception crosses this boundary. Destroying NULL does nothing.         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef VITC_RUNTIME_VITC_H
#define VITC_RUNTIME_VITC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VITC_EXPORT __attribute__((visibility("default")))
#else
#define VITC_EXPORT
#endif

typedef enum vitc_status {
  VITC_OK = 0,
  VITC_INVALID_ARGUMENT = 1, /* a shape, name, type or option is wrong        */
  VITC_UNSUPPORTED = 2,      /* this machine or file cannot do what was asked */
  VITC_OUT_OF_MEMORY = 3,
  VITC_IO = 4, /* a file is missing, unreadable or malformed    */
  VITC_INTERNAL = 5
} vitc_status_t;

enum { VITC_MESSAGE_SIZE = 512, VITC_MAX_RANK = 8 };

typedef struct vitc_error {
  vitc_status_t status;
  char message[VITC_MESSAGE_SIZE]; /* NUL-terminated, one line, no full stop */
} vitc_error_t;

typedef enum vitc_dtype {
  VITC_F32 = 0,
  VITC_F64 = 1,
  VITC_F16 = 2,
  VITC_BF16 = 3,
  VITC_I8 = 4,
  VITC_U8 = 5,
  VITC_I16 = 6,
  VITC_U16 = 7,
  VITC_I32 = 8,
  VITC_U32 = 9,
  VITC_I64 = 10,
  VITC_U64 = 11,
  VITC_BOOL = 12
} vitc_dtype_t;

typedef struct vitc_runtime vitc_runtime_t;
typedef struct vitc_model vitc_model_t;
typedef struct vitc_session vitc_session_t;

/* What a model exports; its fields are the runtime's business. */
typedef struct vitc_model_descriptor vitc_model_descriptor_t;

/* The descriptor of the model in this shared library. */
VITC_EXPORT extern const vitc_model_descriptor_t vitc_model_descriptor;

/* Name, element type and shape of an input or output of a model. A dimension
   of -1 is the batch. Strings live as long as the model. */
typedef struct vitc_tensor_info {
  const char *name;
  vitc_dtype_t dtype;
  int32_t rank;
  int64_t dims[VITC_MAX_RANK];
} vitc_tensor_info_t;

/* A dense, C-ordered tensor in the caller's memory. */
typedef struct vitc_tensor {
  void *data; /* aligned to its element type */
  vitc_dtype_t dtype;
  int32_t rank;
  int64_t dims[VITC_MAX_RANK];
} vitc_tensor_t;

/* Version of this interface and of the runtime, "MAJOR.MINOR.PATCH". */
VITC_EXPORT const char *vitc_version(void);

/* Starts a pool of `threads` threads, the caller's included; 0: one for each
   core the process may use. */
VITC_EXPORT vitc_status_t vitc_runtime_create(int32_t threads,
                                              vitc_runtime_t **runtime,
                                              vitc_error_t *error);
VITC_EXPORT void vitc_runtime_destroy(vitc_runtime_t *runtime);
VITC_EXPORT int32_t vitc_runtime_threads(const vitc_runtime_t *runtime);

/* Binds a descriptor to a runtime, which must outlive the model. `isa` names
   the code to run, as "x86-64-v2", "x86-64-v4", "armv8-a" or "native"; NULL:
   the best the machine has. VITC_UNSUPPORTED when the file or the machine lacks
   it, when the descriptor's version is not this runtime's, or when a library
   that the code calls (oneDNN) is missing. */
VITC_EXPORT vitc_status_t vitc_model_create(
    vitc_runtime_t *runtime, const vitc_model_descriptor_t *descriptor,
    const char *isa, vitc_model_t **model, vitc_error_t *error);
VITC_EXPORT void vitc_model_destroy(vitc_model_t *model);

/* The ISA level chosen, e.g. "x86-64-v4". */
VITC_EXPORT const char *vitc_model_isa(const vitc_model_t *model);
VITC_EXPORT int32_t vitc_model_num_inputs(const vitc_model_t *model);
VITC_EXPORT int32_t vitc_model_num_outputs(const vitc_model_t *model);
VITC_EXPORT vitc_status_t vitc_model_input(const vitc_model_t *model,
                                           int32_t index,
                                           vitc_tensor_info_t *info,
                                           vitc_error_t *error);
VITC_EXPORT vitc_status_t vitc_model_output(const vitc_model_t *model,
                                            int32_t index,
                                            vitc_tensor_info_t *info,
                                            vitc_error_t *error);
/* Class names of a classifier: their number (0 when the source had none) and
   the name of class `index`, NULL when out of range. */
VITC_EXPORT int32_t vitc_model_num_labels(const vitc_model_t *model);
VITC_EXPORT const char *vitc_model_label(const vitc_model_t *model,
                                         int32_t index);

/* Allocates the arena for batches of up to `max_batch` images (>= 1). The model
   must outlive the session. */
VITC_EXPORT vitc_status_t vitc_session_create(const vitc_model_t *model,
                                              int64_t max_batch,
                                              vitc_session_t **session,
                                              vitc_error_t *error);
VITC_EXPORT void vitc_session_destroy(vitc_session_t *session);

/* Runs the model on `inputs`, one for each model input in order, and fills
   `outputs`, one for each model output, whose memory the caller provides. All
   batch dimensions must agree and be at most the session's `max_batch`. Types
   and shapes are checked. Allocates nothing, except that a model that calls
   oneDNN makes its primitives when it first runs a batch size. */
VITC_EXPORT vitc_status_t vitc_session_run(vitc_session_t *session,
                                           const vitc_tensor_t *inputs,
                                           const vitc_tensor_t *outputs,
                                           vitc_error_t *error);

/* An attention layer whose probabilities can be asked for. Strings live as long
   as the model. */
typedef struct vitc_attention_layer {
  const char *name; /* the source's */
  int32_t number;   /* among all attention layers of the source, from 0 */
  int32_t windows;  /* of an image; 1 where attention is global */
  int32_t heads, queries, keys;
  int32_t projection;  /* which one makes the keys of `tokens`; -1: none */
  int32_t tokens;      /* before the projection, or as many as keys */
  int32_t class_token; /* 1: query 0 is the class token */
} vitc_attention_layer_t;

/* Queries of a layer: `count` from `first` on. First VITC_MEAN_QUERIES with
   count 1: the mean over all queries. Count 0: the layer is skipped. */
typedef struct vitc_selection {
  int64_t first, count;
} vitc_selection_t;

enum { VITC_MEAN_QUERIES = -1 };

/* Attention layers whose maps are compiled in, and projections of keys. */
VITC_EXPORT int32_t vitc_model_num_attention_layers(const vitc_model_t *model);
VITC_EXPORT int32_t
vitc_model_num_attention_projections(const vitc_model_t *model);
VITC_EXPORT vitc_status_t
vitc_model_attention_layer(const vitc_model_t *model, int32_t index,
                           vitc_attention_layer_t *layer, vitc_error_t *error);

/* As vitc_session_run, and also fills `maps`: for each attention layer, f32
   [batch, windows, heads, count, keys], the attention probabilities of the
   queries that its selection asks for; each row sums to 1. Of a layer that is
   skipped the tensor is not looked at. The projections follow, f32
   [keys, tokens]. `selections` has an entry for each attention layer. The
   outputs equal vitc_session_run's bit for bit. VITC_UNSUPPORTED for a model
   without attention layers. */
VITC_EXPORT vitc_status_t vitc_session_run_attention(
    vitc_session_t *session, const vitc_tensor_t *inputs,
    const vitc_tensor_t *outputs, const vitc_selection_t *selections,
    const vitc_tensor_t *maps, vitc_error_t *error);

/* Decodes a JPEG or PNG file and preprocesses it as the model's own processor
   does, into `pixels`, f32 [channels, H, W] of the model's input, of 1 or 3
   channels. VITC_UNSUPPORTED for a model that takes no picture. */
VITC_EXPORT vitc_status_t vitc_model_read_image(const vitc_model_t *model,
                                                const char *path,
                                                const vitc_tensor_t *pixels,
                                                vitc_error_t *error);

#ifdef __cplusplus
}
#endif

#endif /* VITC_RUNTIME_VITC_H */
