# SPDX-License-Identifier: Apache-2.0
# For Linux on 64-bit ARM by Debian's cross compiler; programs run under an emulator. scripts/test-aarch64.sh makes the
# folder that CLQ_ROOT names, of headers and libraries beside the C library's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
find_program(CLQ_CROSS_CXX aarch64-linux-gnu-g++) # optional, for an oracle of the tests
if(CLQ_CROSS_CXX)
    set(CMAKE_CXX_COMPILER "${CLQ_CROSS_CXX}")
else()
    set(CMAKE_CXX_COMPILER "")
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)

set(CLQ_ROOT "" CACHE PATH "Where other packages of the target are unpacked")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CLQ_ROOT)
set(CMAKE_FIND_ROOT_PATH "${CLQ_ROOT}" /usr/aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
