#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Check every kernel with all of its build options as OpenCL C 1.2, without a device.
set -eu
cd "$(dirname "$0")/../kernels"

lint() {
    clang -x cl -cl-std=CL1.2 -fsyntax-only -Xclang -finclude-default-header -Wall -Wextra -Wno-unused-parameter -Werror "$@"
}
count=0
for width in 16 4; do
    for real in 32 16 17; do
        lint -DVECTOR_WIDTH=$width -DREAL=$real minmax.cl
        lint -DVECTOR_WIDTH=$width -DREAL=$real fake_quantize.cl
        for bits in 4 8 16; do
            for sign in 0 1; do
                for file in quantize.cl dequantize.cl; do
                    lint -DVECTOR_WIDTH=$width -DREAL=$real -DCODE_BITS=$bits -DCODE_SIGNED=$sign $file
                    count=$((count + 1))
                done
            done
        done
        count=$((count + 2))
    done
done
lint choose_parameters.cl
echo "$((count + 1)) kernel builds checked"
