# SPDX-License-Identifier: Apache-2.0
include(CMakeFindDependencyMacro)
find_dependency(clquant)
include("${CMAKE_CURRENT_LIST_DIR}/engineTargets.cmake")
