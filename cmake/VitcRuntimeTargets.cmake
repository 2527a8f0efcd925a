# The runtime for other targets, which `vitc --target=...` links: lib/Runtime
# and copies of the target's image libraries, built into lib/TARGET by a build
# of their own with the host's clang and lld.
include(ExternalProject)

set(VITC_OTHER_TARGETS aarch64-linux-gnu)
set(VITC_BUILT_RUNTIME_TARGETS)

# Sets `result` to what the runtime for `target` lacks here; empty: nothing.
function(vitc_find_missing_runtime_needs target result)
  set(missing)
  find_program(VITC_LLD NAMES ld.lld-22 ld.lld HINTS "${LLVM_TOOLS_BINARY_DIR}")
  if(NOT VITC_LLD)
    list(APPEND missing lld)
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND missing "clang as CMAKE_CXX_COMPILER")
  else()
    foreach(library libc.so libstdc++.a libjpeg.a libpng16.a libz.a)
      execute_process(COMMAND "${CMAKE_CXX_COMPILER}" --target=${target} -print-file-name=${library}
        OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      if(NOT IS_ABSOLUTE "${path}")
        list(APPEND missing ${library})
      endif()
    endforeach()
  endif()
  string(REPLACE ";" ", " missing "${missing}")
  set(${result} "${missing}" PARENT_SCOPE)
endfunction()

function(vitc_add_runtime_target target)
  string(REGEX MATCH "^[^-]+" processor ${target})
  ExternalProject_Add(VitcRuntime-${target}
    SOURCE_DIR "${PROJECT_SOURCE_DIR}"
    BINARY_DIR "${PROJECT_BINARY_DIR}/runtime-${target}"
    PREFIX "${PROJECT_BINARY_DIR}/runtime-${target}"
    CMAKE_ARGS
      -DCMAKE_SYSTEM_NAME=Linux
      -DCMAKE_SYSTEM_PROCESSOR=${processor}
      -DCMAKE_LIBRARY_ARCHITECTURE=${target}
      -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
      -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
      -DCMAKE_C_COMPILER_TARGET=${target}
      -DCMAKE_CXX_COMPILER_TARGET=${target}
      -DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}
      -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
      -DCMAKE_EXE_LINKER_FLAGS_INIT=-fuse-ld=lld
      -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
      -DCMAKE_ARCHIVE_OUTPUT_DIRECTORY=${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/${target}
      -Dfmt_DIR=${fmt_DIR} # Its headers alone are used.
      -DVITC_OBJCOPY=${VITC_OBJCOPY}
      -DVITC_ENABLE_ONEDNN=OFF
      -DVITC_RUNTIME_ONLY=ON
    BUILD_ALWAYS ON
    INSTALL_COMMAND "")
endfunction()

set(wanted ${VITC_RUNTIME_TARGETS})
if(wanted STREQUAL "auto")
  set(wanted ${VITC_OTHER_TARGETS})
  list(REMOVE_ITEM wanted "${CMAKE_LIBRARY_ARCHITECTURE}")
endif()
foreach(target IN LISTS wanted)
  if(NOT target IN_LIST VITC_OTHER_TARGETS)
    message(FATAL_ERROR "VITC_RUNTIME_TARGETS has ${target}; needs auto or some of ${VITC_OTHER_TARGETS}")
  endif()
  vitc_find_missing_runtime_needs(${target} missing)
  if(NOT missing)
    vitc_add_runtime_target(${target})
    list(APPEND VITC_BUILT_RUNTIME_TARGETS ${target})
  elseif(VITC_RUNTIME_TARGETS STREQUAL "auto")
    message(STATUS "No runtime for ${target}: ${missing} not found")
  else()
    message(FATAL_ERROR "the runtime for ${target} needs ${missing}, not found")
  endif()
endforeach()
