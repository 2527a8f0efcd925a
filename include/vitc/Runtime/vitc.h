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
|*   vitc_generation_t  what was generated; belongs to the caller.            *|
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
   of -1 is the batch. Where the size of an output NAME depends on data, it has
   room for the largest, and the output NAME.count says how many positions a run
   has filled. Strings live as long as the model. */
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

/* A model that was compiled for GPUs runs on NVIDIA's: on number 0 after
   vitc_model_create, on number `device` after this, which is the same besides.
   `isa` is "sm_80", "sm_90a" and the like. Code and weights are copied to the
   GPU once; a session has its memory there, and each run copies the tensors,
   which are the caller's and on the host, there and back. VITC_UNSUPPORTED,
   too, when there is no driver, one too old, no such GPU, or none that the file
   has code for; VITC_INVALID_ARGUMENT for a model that was compiled for a CPU.
   */
VITC_EXPORT vitc_status_t vitc_model_create_on_device(
    vitc_runtime_t *runtime, const vitc_model_descriptor_t *descriptor,
    const char *isa, int32_t device, vitc_model_t **model, vitc_error_t *error);
/* The name of the model's GPU; NULL for a model that runs on the CPU. */
VITC_EXPORT const char *vitc_model_device(const vitc_model_t *model);

/* The ISA level chosen, e.g. "x86-64-v4", or a GPU's architecture. */
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
/* The entries of a model: their number, and the name of entry `index`, NULL
   when out of range. Most have "forward" alone. A model that ranks texts for
   pictures makes embeddings of pictures in "forward" and of texts in "text".
   The functions above are about the first. */
VITC_EXPORT int32_t vitc_model_num_entries(const vitc_model_t *model);
VITC_EXPORT const char *vitc_model_entry(const vitc_model_t *model,
                                         int32_t index);
/* As the functions above, of the entry of that name; -1 when there is none. */
VITC_EXPORT int32_t vitc_model_entry_num_inputs(const vitc_model_t *model,
                                                const char *entry);
VITC_EXPORT int32_t vitc_model_entry_num_outputs(const vitc_model_t *model,
                                                 const char *entry);
VITC_EXPORT vitc_status_t vitc_model_entry_input(const vitc_model_t *model,
                                                 const char *entry,
                                                 int32_t index,
                                                 vitc_tensor_info_t *info,
                                                 vitc_error_t *error);
VITC_EXPORT vitc_status_t vitc_model_entry_output(const vitc_model_t *model,
                                                  const char *entry,
                                                  int32_t index,
                                                  vitc_tensor_info_t *info,
                                                  vitc_error_t *error);

/* Class names of a classifier: their number (0 when the source had none) and
   the name of class `index`, NULL when out of range. */
VITC_EXPORT int32_t vitc_model_num_labels(const vitc_model_t *model);
VITC_EXPORT const char *vitc_model_label(const vitc_model_t *model,
                                         int32_t index);

/* Allocates the arena for batches of up to `max_batch` images (>= 1), on a GPU
   space for inputs and outputs too; of a model that generates tokens a GPU has
   at first what a step of so many rows needs. VITC_OUT_OF_MEMORY when there is
   no room. The model must outlive the session. */
VITC_EXPORT vitc_status_t vitc_session_create(const vitc_model_t *model,
                                              int64_t max_batch,
                                              vitc_session_t **session,
                                              vitc_error_t *error);
VITC_EXPORT void vitc_session_destroy(vitc_session_t *session);

/* Runs the model on `inputs`, one for each model input in order, and fills
   `outputs`, one for each model output, whose memory the caller provides. All
   batch dimensions must agree and be at most the session's `max_batch`. Types
   and shapes are checked. Allocates nothing, except when it first runs a batch
   size: a model that calls oneDNN makes its primitives, one on a GPU a graph of
   its kernels, of which it forgets all when there are 64. On a GPU the first
   run of an entry that needs more memory than the session has, as for attention
   maps, gets it; VITC_OUT_OF_MEMORY then leaves a session that runs what there
   is room for. */
VITC_EXPORT vitc_status_t vitc_session_run(vitc_session_t *session,
                                           const vitc_tensor_t *inputs,
                                           const vitc_tensor_t *outputs,
                                           vitc_error_t *error);

/* The same with the inputs and outputs of the entry of that name. A model that
   generates tokens has "step", of one token, and mostly "encode". An input of
   "step" that is a state and has no output of its name is updated where it
   lies: its memory must be writable. */
VITC_EXPORT vitc_status_t vitc_session_run_entry(vitc_session_t *session,
                                                 const char *entry,
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
   without attention layers, or that generates tokens: vitc_session_generate
   tells what those attend to. */
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

/* How text becomes inputs. The names are of inputs [batch, max_length], of the
   entry "text" if there is one, else of the first; NULL: the model has none.
   Strings live as long as the model. */
typedef struct vitc_text_info {
  int64_t max_length; /* tokens of a text */
  const char *ids, *mask, *types;
  int32_t is_prompt; /* 1: text is what generation goes on from */
} vitc_text_info_t;

/* VITC_UNSUPPORTED for a model without a tokenizer. */
VITC_EXPORT vitc_status_t vitc_model_text(const vitc_model_t *model,
                                          vitc_text_info_t *info,
                                          vitc_error_t *error);

/* The tokens of `text`, UTF-8 up to its first NUL: into `ids`, which has room
   for max_length, their number into `count`; what does not fit is cut. A text
   that is no prompt has the tokens that come around it and is padded to
   max_length; `mask` is then 0 for padding, `types` the number of the text.
   Both may be NULL. */
VITC_EXPORT vitc_status_t vitc_model_tokenize(const vitc_model_t *model,
                                              const char *text, int64_t *ids,
                                              int64_t *mask, int64_t *types,
                                              int64_t *count,
                                              vitc_error_t *error);

/* When a search with beams ends, once an item has as many texts as beams: at
   once, or when no row's score can exceed theirs as it is now, or as good as it
   could become. */
enum vitc_early_stopping {
  VITC_EARLY_STOPPING_OFF = 0, /* as it is now */
  VITC_EARLY_STOPPING_ON = 1,  /* at once */
  VITC_EARLY_STOPPING_NEVER = 2
};

/* Lengths are in tokens, with those that generation starts with. The score of a
   text is the sum of its tokens' log probabilities divided by its length, to
   the power of `length_penalty`. */
typedef struct vitc_generation_options {
  int32_t beams; /* rows an item; 1: the likeliest token each time */
  int32_t early_stopping;
  int64_t min_length, max_length;
  double length_penalty;
} vitc_generation_options_t;

/* The model's own; its max_length is the most that the model can do.
   VITC_UNSUPPORTED for a model that generates nothing. */
VITC_EXPORT vitc_status_t vitc_model_generation_options(
    const vitc_model_t *model, vitc_generation_options_t *options,
    vitc_error_t *error);

/* What generation starts from. */
typedef struct vitc_generation_input {
  /* Of the entry "encode", in order; of a model without it not looked at. */
  const vitc_tensor_t *inputs;
  /* Tokens of the vocabulary that all items go on from, behind the model's
     start tokens or, if it says so, instead of them. */
  const int64_t *prompt;
  int64_t prompt_length;
  int32_t attention; /* 1: also find out where each token looked */
  /* Called with each token of the only item when it is certain, on the caller's
     thread; with beams at the end. It must not throw, and cannot use the
     session. May be NULL. */
  void (*on_token)(void *data, int64_t token);
  void *data;
} vitc_generation_input_t;

typedef struct vitc_generation vitc_generation_t;

/* Encodes `inputs` and generates tokens for each item, until a token ends it or
   it has options->max_length; NULL: the model's own options. The session's
   `max_batch` must be items times beams at least. VITC_UNSUPPORTED for a model
   that generates nothing, or whose attention was asked for and is not compiled
   in. */
VITC_EXPORT vitc_status_t vitc_session_generate(
    vitc_session_t *session, const vitc_generation_input_t *input,
    const vitc_generation_options_t *options, vitc_generation_t **generation,
    vitc_error_t *error);
VITC_EXPORT void vitc_generation_destroy(vitc_generation_t *generation);

/* What was generated for an item; its memory lives as long as the generation.
 */
typedef struct vitc_generated {
  const int64_t *tokens;     /* behind the prompt, without the end token */
  const float *token_scores; /* log probabilities, of each token */
  int64_t num_tokens;
  float score;
  const char *text; /* UTF-8; NULL for a model without a tokenizer for it */
  /* [num_tokens, num_keys], how much each key of the source counted for each
     token, the mean over layers and heads; num_keys is 0 unless it was asked
     for. Of 0 tokens or keys the pointer may be NULL. */
  const float *attention;
  int64_t num_keys;
} vitc_generated_t;

VITC_EXPORT int64_t
vitc_generation_num_items(const vitc_generation_t *generation);
VITC_EXPORT vitc_status_t
vitc_generation_item(const vitc_generation_t *generation, int64_t index,
                     vitc_generated_t *item, vitc_error_t *error);

#ifdef __cplusplus
}
#endif

#endif /* VITC_RUNTIME_VITC_H */
