# SPDX-License-Identifier: Apache-2.0
# Decides CLQ_HAVE_OPENCL from the option CLQ_OPENCL; without OpenCL the reference is all there is, and that is enough. What
# loads OpenCL at run time is built with headers alone; tests are linked with it in any case.
if(NOT CLQ_OPENCL_LOADER MATCHES "^(dlopen|link)$")
    message(FATAL_ERROR "CLQ_OPENCL_LOADER is '${CLQ_OPENCL_LOADER}', and dlopen or link is required")
endif()
set(CLQ_HAVE_OPENCL FALSE)
if(NOT CLQ_OPENCL STREQUAL "OFF")
    find_package(OpenCL QUIET)
    if(OpenCL_FOUND OR (OpenCL_INCLUDE_DIR AND CLQ_OPENCL_LOADER STREQUAL "dlopen" AND NOT CLQ_BUILD_TESTS))
        set(CLQ_HAVE_OPENCL TRUE)
    elseif(CLQ_OPENCL STREQUAL "ON")
        message(FATAL_ERROR "CLQ_OPENCL=ON needs OpenCL headers, and a loader to link tests with, or all of it with "
            "CLQ_OPENCL_LOADER=link (Debian: opencl-headers ocl-icd-opencl-dev)")
    endif()
endif()
message(STATUS "clquant: OpenCL engine ${CLQ_HAVE_OPENCL}")
