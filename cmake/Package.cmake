# SPDX-License-Identifier: Apache-2.0
# Debian packages of what cmake/Install.cmake installs: `cmake --preset package`, build, `cpack` in the build folder makes
#     libclquant0     the shared library
#     libclquant-dev  headers, CMake package, pkg-config file
#     clquant         the command, which holds the library itself, since it uses its insides
# A static library makes no libclquant0. cmake/debian/ has what only Debian wants; scripts/test-packages.sh tries them.
set(CLQ_PACKAGER "clquant packagers <packagers@clquant.invalid>" CACHE STRING "Maintainer of the Debian packages")
set(CLQ_PACKAGE_RELEASE 1 CACHE STRING "Release of the Debian packages within a version")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME clquant)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each has its own, in the first line of its description
set(CPACK_PACKAGE_CONTACT "${CLQ_PACKAGER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CLQ_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENTS_ALL development)
if(BUILD_SHARED_LIBS)
    list(APPEND CPACK_COMPONENTS_ALL library)
endif()
if(TARGET clquant_command)
    list(APPEND CPACK_COMPONENTS_ALL command)
endif()
set(debian_version "${PROJECT_VERSION}-${CLQ_PACKAGE_RELEASE}")

# Packages of several architectures beside each other: the library and what finds it lie in a folder of their own
# (CMAKE_INSTALL_LIBDIR), headers and documents are the same files, and a command of any architecture serves all. CPack
# has no variable for the field before CMake 3.31, so that it goes behind the value of another one.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libclquant0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION "libs\nMulti-Arch: same")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "int8 quantization on any OpenCL device: shared library
Quantization, calibration and int8 matrix products on OpenCL devices and on
the processor itself, with the same bytes on all of them. Where no loader of
OpenCL is installed, the processor computes.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libclquant-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION "libdevel\nMulti-Arch: same")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "int8 quantization on any OpenCL device: headers
What programs that use libclquant are built with: headers, the CMake package
and the pkg-config file.")
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME clquant)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION "science\nMulti-Arch: foreign")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "int8 quantization of model files on any OpenCL device
Quantizes, measures and compares models in safetensors, GGUF and NumPy files,
tells what OpenCL devices there are, and verifies their arithmetic bit for
bit against a reference. Needs neither a GPU nor a driver.")

# Loaded at run time, OpenCL is what makes it fast and nothing it needs; linked with, it is found as any library.
if(CLQ_HAVE_OPENCL)
    if(CLQ_OPENCL_LOADER STREQUAL "dlopen")
        set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "ocl-icd-libopencl1 | libopencl1")
        set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "ocl-icd-libopencl1 | libopencl1")
    endif()
    set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS pocl-opencl-icd)
    set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS pocl-opencl-icd)
    set(opencl_headers "opencl-c-headers | opencl-headers")
    if(CLQ_OPENCL_LOADER STREQUAL "link")
        string(APPEND opencl_headers ", ocl-icd-opencl-dev")
    endif()
endif()
set(depends ${opencl_headers})
if(BUILD_SHARED_LIBS)
    list(PREPEND depends "libclquant0 (= ${debian_version})")
endif()
list(JOIN depends ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)

# Programs that use the library depend on the version that had all of their functions first.
file(STRINGS host/symbols.txt names)
set(symbols "libclquant.so.0 libclquant0 #MINVER#\n")
string(APPEND symbols " CLQUANT_${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}@CLQUANT_${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} ${PROJECT_VERSION}\n")
foreach(name IN LISTS names)
    string(REPLACE "@@" "@" name "${name}")
    string(APPEND symbols " ${name} ${PROJECT_VERSION}\n")
endforeach()
set(made "${CMAKE_CURRENT_BINARY_DIR}/debian")
file(WRITE "${made}/symbols" "${symbols}")
file(WRITE "${made}/triggers" "activate-noawait ldconfig\n")
file(WRITE "${made}/shlibs" "libclquant 0 libclquant0 (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${made}/symbols;${made}/triggers;${made}/shlibs")

# Documents of each package, and what Debian has elsewhere than others.
string(TIMESTAMP CLQ_DEBIAN_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, where that is set
configure_file(cmake/debian/changelog.in "${made}/changelog" @ONLY)
configure_file(cmake/debian/copyright "${made}/copyright" COPYONLY)
set(CLQ_DEBIAN_FOLDER "${made}")
configure_file(cmake/debian/Arrange.cmake.in "${made}/Arrange.cmake" @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS "${made}/Arrange.cmake")
include(CPack)
