# cmake --install: the tools, the runtime that compiled programs link, and its headers.
include(GNUInstallDirs)
install(TARGETS vitc vit-opt RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS VitcImage VitcProgram VitcRuntime ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES ${VITC_CODEC_ARCHIVES} DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/vitc/Runtime/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/vitc/Runtime"
  FILES_MATCHING PATTERN "vitc.h")
