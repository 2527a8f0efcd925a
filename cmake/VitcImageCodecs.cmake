# Copies of the system's static image libraries that every program can link.
#
# Debian builds them for executables only: they read libc's `stderr` directly,
# which a shared library must not. The copies read a variable of lib/Runtime/Image
# instead. They stand beside the runtime, so that whoever has vitc needs no image
# library to link a program.
find_program(VITC_OBJCOPY NAMES llvm-objcopy-22 llvm-objcopy HINTS "${LLVM_TOOLS_BINARY_DIR}" REQUIRED)

function(vitc_copy_codec name system_library)
  find_library(VITC_${name}_ARCHIVE NAMES "lib${system_library}.a" REQUIRED)
  set(copy "${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libVitc${name}.a")
  add_custom_command(OUTPUT "${copy}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}"
    COMMAND "${VITC_OBJCOPY}" --redefine-sym stderr=vitc_image_stderr "${VITC_${name}_ARCHIVE}" "${copy}"
    DEPENDS "${VITC_${name}_ARCHIVE}" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY VITC_CODEC_ARCHIVES "${copy}")
endfunction()

vitc_copy_codec(Jpeg jpeg)
vitc_copy_codec(Png png16)
vitc_copy_codec(Zlib z)
get_property(VITC_CODEC_ARCHIVES GLOBAL PROPERTY VITC_CODEC_ARCHIVES)
add_custom_target(VitcImageCodecs ALL DEPENDS ${VITC_CODEC_ARCHIVES})
