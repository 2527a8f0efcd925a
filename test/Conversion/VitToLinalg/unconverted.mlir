// RUN: vit-opt %s -convert-vit-to-linalg -verify-diagnostics

// Every vit op but vit.constant goes or is an error.
func.func @negative_weight_file() {
  builtin.module {
    // expected-error @+1 {{failed to legalize operation 'vit.weight_file'}}
    vit.weight_file @weights path "model.safetensors" hash "3f2a"
  }
  return
}
