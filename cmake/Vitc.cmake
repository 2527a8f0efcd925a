# Build rules of the compiler: one library per folder.

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# sizeof(mlir::Pass::Statistic) depends on NDEBUG: follow LLVM's, in Debug too.
foreach(config DEBUG RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${config} "${CMAKE_CXX_FLAGS_${config}}")
endforeach()
if(NOT LLVM_ENABLE_ASSERTIONS)
  add_compile_definitions(NDEBUG)
endif()

# What every compiler library is built with. `vitc_pch` holds MLIR's headers,
# parsed once.
add_library(vitc_compiler_flags INTERFACE)
target_include_directories(vitc_compiler_flags INTERFACE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include"
  "${PROJECT_SOURCE_DIR}/dialects" "${PROJECT_BINARY_DIR}/dialects")
target_include_directories(vitc_compiler_flags SYSTEM INTERFACE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(VITC_LLVM_DEFINITIONS NATIVE_COMMAND ${LLVM_DEFINITIONS})
target_compile_definitions(vitc_compiler_flags INTERFACE ${VITC_LLVM_DEFINITIONS})
target_compile_options(vitc_compiler_flags INTERFACE ${VITC_WARNINGS} -fno-exceptions -fno-rtti)

add_library(vitc_pch OBJECT "${PROJECT_SOURCE_DIR}/cmake/Pch.cpp")
target_link_libraries(vitc_pch PUBLIC vitc_compiler_flags)
target_precompile_headers(vitc_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/Pch.h")

# vitc_add_library(NAME SOURCES... [DEPENDS targets...] [LINK_LIBS libraries...])
function(vitc_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC vitc_compiler_flags ${ARG_LINK_LIBS} MLIR LLVM)
  target_precompile_headers(${name} REUSE_FROM vitc_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# vitc_add_tool(NAME SOURCES... [LINK_LIBS libraries...])
function(vitc_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE vitc_compiler_flags ${ARG_LINK_LIBS} MLIR LLVM)
  # The libraries' -fPIC rather than a program's -fPIE: the precompiled header has one of them.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM vitc_pch)
endfunction()

# vitc_add_passes(TARGET PREFIX): Passes.td of this folder -> Passes.h.inc
function(vitc_add_passes target prefix)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${prefix})
  add_public_tablegen_target(${target})
endfunction()
