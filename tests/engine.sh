#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the example of an engine ($1) on the device that the engine chooses; or, with --absent, say what it lacks ($2). 77
# where there is no engine, or no device for it: failures with CLQ_REQUIRE_ENGINES=1 and CLQ_REQUIRE_DEVICE=1.
set -eu
if [ "$1" = --absent ]; then
    echo "left out: no $2"
    [ "${CLQ_REQUIRE_ENGINES:-0}" != 1 ] && exit 77 || exit 1
fi
# OpenCV takes a device that is no GPU only when it is told to: any, GPUs first.
export OPENCV_OPENCL_DEVICE="${OPENCV_OPENCL_DEVICE-::}" OPENCV_DNN_OPENCL_ALLOW_ALL_DEVICES=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
"$1" >"$log" 2>&1 || code=$?
cat "$log"
if [ "$code" -ne 0 ] && grep -q ': no OpenCL device$' "$log" && [ "${CLQ_REQUIRE_DEVICE:-0}" != 1 ]; then
    code=77
fi
exit "$code"
