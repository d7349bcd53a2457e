# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the library with its CMake package and pkg-config file, the headers, the command with
# its man page and shell completions, which the command itself writes from its option table. Nothing of it names the
# machine, the build or the prefix. The components are those of packages (cmake/Package.cmake).
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clquant)
set(completions bash-completion/completions zsh/site-functions fish/vendor_completions.d)
list(TRANSFORM completions PREPEND ${CMAKE_INSTALL_DATADIR}/)
if(PROJECT_IS_TOP_LEVEL)
    # First, what is not there yet: folders that `--target uninstall` takes away again (cmake/Uninstall.cmake).
    set(folders ${CMAKE_INSTALL_BINDIR} ${package_dir} ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        ${CMAKE_INSTALL_INCLUDEDIR}/clquant ${CMAKE_INSTALL_MANDIR}/man1 ${completions})
    configure_file(cmake/InstallFolders.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/InstallFolders.cmake" @ONLY)
    install(SCRIPT "${CMAKE_CURRENT_BINARY_DIR}/InstallFolders.cmake")
    add_custom_target(uninstall
        COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" -P "${CMAKE_CURRENT_SOURCE_DIR}/cmake/Uninstall.cmake"
        VERBATIM)
endif()

install(TARGETS clquant EXPORT clquantTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT library)
# A header that is there is public: none can be forgotten here.
if(NOT CLQ_HAVE_OPENCL)
    set(no_opencl PATTERN opencl.h EXCLUDE)
endif()
install(DIRECTORY include/clquant DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
    FILES_MATCHING PATTERN "*.h" ${no_opencl})

install(EXPORT clquantTargets NAMESPACE clquant:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(cmake/clquantConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/clquantConfig.cmake"
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/clquantConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/clquantConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/clquantConfigVersion.cmake"
    DESTINATION ${package_dir} COMPONENT development)

# What a static library needs is needed by everyone who links with it, and what a shared one needs by nobody.
set(needs "-lm -pthread")
if(CMAKE_DL_LIBS)
    string(APPEND needs " -l${CMAKE_DL_LIBS}")
endif()
set(opencl "")
if(CLQ_HAVE_OPENCL AND CLQ_OPENCL_LOADER STREQUAL "link")
    set(opencl OpenCL)
endif()
if(BUILD_SHARED_LIBS)
    set(CLQ_PC_NEEDS "Requires.private: ${opencl}\nLibs: -L\${libdir} -lclquant\nLibs.private: ${needs}")
else()
    set(CLQ_PC_NEEDS "Requires: ${opencl}\nLibs: -L\${libdir} -lclquant ${needs}")
endif()
# Where the file lies tells where the rest does.
set(CLQ_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
set(CLQ_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(CLQ_PC_PREFIX "\${pcfiledir}/${up}")
    set(CLQ_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
set(CLQ_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(CLQ_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/clquant.pc.in "${CMAKE_CURRENT_BINARY_DIR}/clquant.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/clquant.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)

if(TARGET clquant_command)
    install(TARGETS clquant_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
endif()
if(TARGET clquant_mpi) # in a component of its own, which is in no Debian package: it needs this machine's MPI
    install(TARGETS clquant_mpi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT mpi)
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
    install(FILES "${made}/clquant.1" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
    list(GET completions 0 bash)
    list(GET completions 1 zsh)
    list(GET completions 2 fish)
    install(FILES "${made}/clquant.bash" DESTINATION ${bash} RENAME clquant COMPONENT command)
    install(FILES "${made}/_clquant" DESTINATION ${zsh} COMPONENT command)
    install(FILES "${made}/clquant.fish" DESTINATION ${fish} COMPONENT command)
endif()
if(PROJECT_IS_TOP_LEVEL)
    include(cmake/Package.cmake)
endif()
