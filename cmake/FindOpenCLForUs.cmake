# SPDX-License-Identifier: Apache-2.0
# Decides CLQ_HAVE_OPENCL from the option CLQ_OPENCL; without OpenCL the reference is all there is, and that is enough.
set(CLQ_HAVE_OPENCL FALSE)
if(NOT CLQ_OPENCL STREQUAL "OFF")
    find_package(OpenCL QUIET)
    if(OpenCL_FOUND)
        set(CLQ_HAVE_OPENCL TRUE)
    elseif(CLQ_OPENCL STREQUAL "ON")
        message(FATAL_ERROR "CLQ_OPENCL=ON needs OpenCL headers and loader (Debian: opencl-headers ocl-icd-opencl-dev)")
    endif()
endif()
message(STATUS "clquant: OpenCL engine ${CLQ_HAVE_OPENCL}")
