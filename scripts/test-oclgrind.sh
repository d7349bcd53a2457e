#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the small suite of all kernels in oclgrind, an OpenCL device that interprets, and fail on any complaint of its.
# Usage: scripts/test-oclgrind.sh [BUILD_FOLDER]   default: build/release
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/release}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# A fixed seed: what is interpreted here should not change from day to day. Without optimization: oclgrind 21.10 does not
# know some intrinsics that LLVM's optimizer makes, and its check of unset values crashes on others.
# Kernels are not tried before their first use: the test compares all of them with the reference anyway, a trial of each
# takes the interpreter seconds, and 21.10 reports its scratch memory as unset (--uninitialized) though its bytes are right.
program=test_portable
interpret() { # FILTER OPTION...
    filter=$1
    shift
    CLQ_TEST_FILTER="$filter" CLQ_TEST_SEED=1 CLQ_REQUIRE_DEVICE=1 CLQ_TEST_DEVICE=oclgrind CLQ_TEST_UNTRIED=1 \
        oclgrind --data-races --check-api "$@" --build-options "-cl-opt-disable" --max-errors 20 --log "$log" \
        "$build/tests/$program" || status=$?
    if [ -s "$log" ]; then
        cat "$log" >&2
        status=1
    fi
}
interpret every_operation --uninitialized
interpret channels_inside --uninitialized
interpret strided_tensors --uninitialized
interpret batches --uninitialized
# Not --uninitialized here: after some products 21.10 reports panels of the next as unset, whose bytes are right, and which
# it does not report when that product is the only one of its process. The cause is not known.
# Each of the two has products of a variant with its instruction emulated (CLQ_TEST_EMULATE in docs/testing.md).
export CLQ_TEST_SAMPLE=3 # every third product, of which each variant has several
interpret matrix_products
unset CLQ_TEST_SAMPLE
interpret products_in_groups
# Instructions that lanes execute together emulated: what they exchange, and copies that come late; and the kernels that
# add groups along K up, of nvidia-mma, and of two that take matrices otherwise (16 s of processor time for all three).
program=test_matrix_products
interpret a_small_product --uninitialized
interpret a_small_product_in_groups --uninitialized
[ "$status" -eq 0 ] && echo "oclgrind: clean"
exit "$status"
