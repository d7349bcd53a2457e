#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing, build, and run every test. A machine without an OpenCL device gets PoCL, so a missing device is a
# failure here, not a skip. Arguments go to ctest, for example: ./test.sh -R quantize
set -eu
cd "$(dirname "$0")"
. scripts/packages.sh
# shellcheck disable=SC2086
scripts/install-packages.sh $build_packages $device_packages $test_packages

cmake --preset release -G Ninja >build-release.log 2>&1 || { cat build-release.log; exit 1; }
cmake --build --preset release >>build-release.log 2>&1 || { cat build-release.log; exit 1; }
rm -f build-release.log
CLQ_REQUIRE_DEVICE=1 exec ctest --preset release "$@"
