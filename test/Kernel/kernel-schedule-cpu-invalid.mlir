// RUN: not vit-opt %s -kernel-schedule-cpu=isa=sse2 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not vit-opt %s -kernel-schedule-cpu=backend=blas 2>&1 | FileCheck %s --check-prefix=BACKEND

// ISA: error: kernel-schedule-cpu has isa sse2; needs x86-64-v2, x86-64-v3, x86-64-v4 or armv8-a
// BACKEND: error: kernel-schedule-cpu has backend blas; needs llvm, onednn or auto
module {
}
