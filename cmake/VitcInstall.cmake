# cmake --install: the tools, the runtime that compiled programs link, its
# header, and the licences. vitc finds the runtime in ../lib/vitc beside bin.
include(GNUInstallDirs)
# Installed tools find LLVM's libraries where the build did.
set_target_properties(vitc vit-opt PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS vitc vit-opt RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS VitcImage VitcProgram VitcRuntime VitcText ARCHIVE DESTINATION lib/vitc)
install(FILES ${VITC_CODEC_ARCHIVES} DESTINATION lib/vitc)
foreach(target IN LISTS VITC_BUILT_RUNTIME_TARGETS)
  install(DIRECTORY "${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/${target}" DESTINATION lib/vitc FILES_MATCHING PATTERN "lib*.a")
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/vitc/Runtime/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/vitc/Runtime"
  FILES_MATCHING PATTERN "vitc.h")
install(FILES LICENSE LICENSE.third-party DESTINATION "${CMAKE_INSTALL_DOCDIR}")
