# SPDX-License-Identifier: Apache-2.0
# Decides CLQ_HAVE_OPENCL from the option CLQ_OPENCL; without OpenCL the reference is all there is, and that is enough.
set(CLQ_HAVE_OPENCL FALSE)
if(NOT CLQ_OPENCL STREQUAL "OFF")
    find_package(OpenCL QUIET)
    find_path(CLQ_XXHASH_INCLUDE_DIR xxhash.h)
    if(OpenCL_FOUND AND CLQ_XXHASH_INCLUDE_DIR)
        set(CLQ_HAVE_OPENCL TRUE)
    elseif(CLQ_OPENCL STREQUAL "ON")
        message(FATAL_ERROR "CLQ_OPENCL=ON needs OpenCL headers and loader and xxhash.h "
            "(Debian: opencl-headers ocl-icd-opencl-dev libxxhash-dev)")
    endif()
endif()
message(STATUS "clquant: OpenCL engine ${CLQ_HAVE_OPENCL}")
