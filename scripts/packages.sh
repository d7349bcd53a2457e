# SPDX-License-Identifier: Apache-2.0
# What is needed where; sourced by test.sh, demo.sh and .ci/run. docs/architecture.md says why each was chosen.
# shellcheck shell=sh disable=SC2034
# A compiler that is there already is used as it is.
build_packages="cmake ninja-build libxxhash-dev opencl-headers ocl-icd-opencl-dev"
if ! command -v cc >/dev/null 2>&1; then
    build_packages="$build_packages gcc libc6-dev"
fi
device_packages="ocl-icd-libopencl1 pocl-opencl-icd"
test_packages="libcmocka-dev libgemmlowp-dev python3-jsonschema"
if ! command -v c++ >/dev/null 2>&1; then
    test_packages="$test_packages g++"
fi
ci_packages="gcc g++ ccache pkg-config clang clang-format oclgrind libclang-rt-14-dev clang-15 clang-16 libclc-15 rocm-device-libs lintian doxygen"
ci_packages="$ci_packages libopenmpi-dev openmpi-bin mpich libmpich-dev" # clquant-mpi, by either
ci_packages="$ci_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static" # scripts/test-aarch64.sh
ci_packages="$ci_packages iproute2" # scripts/test-two-hosts.sh
ci_packages="$ci_packages libopencv-dnn-dev libclblast-dev libboost-dev" # engines: examples/engines
ci_packages="$ci_packages python3-pyopencl python3-cffi-backend" # scripts/test-python.sh, with Debian's own Python
if ! python3 -c 'import ensurepip' 2>/dev/null; then # scripts/test-implementation.sh, scripts/test-python.sh
    ci_packages="$ci_packages python3-venv"
fi
if ! python3 -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null; then # the wheel
    ci_packages="$ci_packages python3-dev"
fi
