// RUN: not vit-opt %s -kernel-schedule-nvptx=arch=sm_75 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not vit-opt %s -kernel-schedule-nvptx=arch=sm_90x 2>&1 | FileCheck %s --check-prefix=SUFFIX
// RUN: not vit-opt %s -kernel-schedule-nvptx=arch=gfx942 2>&1 | FileCheck %s --check-prefix=OTHER

// OLD: error: kernel-schedule-nvptx has arch sm_75; needs sm_80 or later, such as sm_90a
// SUFFIX: error: kernel-schedule-nvptx has arch sm_90x; needs sm_80 or later, such as sm_90a
// OTHER: error: kernel-schedule-nvptx has arch gfx942; needs sm_80 or later, such as sm_90a
module {
}
