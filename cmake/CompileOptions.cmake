# SPDX-License-Identifier: Apache-2.0
# One interface target with the options that all of our code is compiled with.
add_library(clquant_options INTERFACE)
target_compile_features(clquant_options INTERFACE c_std_11)
# The numerics need every float operation to be rounded by itself: no contraction into fused multiply-add.
# Without errno from libm the compiler may use single instructions for rint and the like; results stay the same.
target_compile_options(clquant_options INTERFACE
    -ffp-contract=off -fno-math-errno -fvisibility=hidden
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpedantic)
target_compile_definitions(clquant_options INTERFACE _FILE_OFFSET_BITS=64)
if(CLQ_WERROR)
    target_compile_options(clquant_options INTERFACE -Werror)
endif()
# A caller's thread may have a stack of 64 KiB, of which the file layer and the library take little; the command makes
# one for itself (host/command/frame/stack.h). Sanitizers have frames of their own.
function(clq_limit_frames target bytes)
    if(NOT CLQ_SANITIZE)
        target_compile_options(${target} PRIVATE -Wframe-larger-than=${bytes})
    endif()
endfunction()
if(CLQ_SANITIZE)
    include(CheckCCompilerFlag)
    target_compile_options(clquant_options INTERFACE -fsanitize=${CLQ_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(clquant_options INTERFACE -fsanitize=${CLQ_SANITIZE})
    # Variables that are read before they are set, which the sanitizers do not see, hold no zeros of a fresh stack.
    check_c_compiler_flag(-ftrivial-auto-var-init=pattern CLQ_HAVE_AUTO_VAR_INIT)
    if(CLQ_HAVE_AUTO_VAR_INIT)
        target_compile_options(clquant_options INTERFACE -ftrivial-auto-var-init=pattern)
    endif()
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
