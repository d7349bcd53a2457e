# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the library with its CMake package and pkg-config file, the headers, the command with
# its man page and shell completions, which the command itself writes from its option table.
include(CMakePackageConfigHelpers)

install(TARGETS clquant EXPORT clquantTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# A header that is there is public: none can be forgotten here.
if(NOT CLQ_HAVE_OPENCL)
    set(no_opencl PATTERN opencl.h EXCLUDE)
endif()
install(DIRECTORY include/clquant DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" ${no_opencl})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clquant)
install(EXPORT clquantTargets NAMESPACE clquant:: DESTINATION ${package_dir})
configure_package_config_file(cmake/clquantConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/clquantConfig.cmake"
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/clquantConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/clquantConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/clquantConfigVersion.cmake"
    DESTINATION ${package_dir})

set(CLQ_PC_LIBS "-lm -pthread")
if(CLQ_HAVE_OPENCL)
    set(CLQ_PC_REQUIRES "OpenCL")
    if(CMAKE_DL_LIBS)
        string(APPEND CLQ_PC_LIBS " -l${CMAKE_DL_LIBS}")
    endif()
endif()
configure_file(cmake/clquant.pc.in "${CMAKE_CURRENT_BINARY_DIR}/clquant.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/clquant.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET clquant_command)
    install(TARGETS clquant_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET clquant_command AND CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "clquant: no manual page and no completions, which the command would have to write here")
elseif(TARGET clquant_command)
    set(made "${CMAKE_CURRENT_BINARY_DIR}/generated")
    file(MAKE_DIRECTORY "${made}")
    add_custom_command(
        OUTPUT "${made}/clquant.1" "${made}/clquant.bash" "${made}/_clquant" "${made}/clquant.fish"
        COMMAND clquant_command man > "${made}/clquant.1"
        COMMAND clquant_command completion bash > "${made}/clquant.bash"
        COMMAND clquant_command completion zsh > "${made}/_clquant"
        COMMAND clquant_command completion fish > "${made}/clquant.fish"
        DEPENDS clquant_command VERBATIM)
    add_custom_target(clquant_generated ALL DEPENDS "${made}/clquant.1")
    install(FILES "${made}/clquant.1" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES "${made}/clquant.bash" DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME clquant)
    install(FILES "${made}/_clquant" DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(FILES "${made}/clquant.fish" DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
