#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program ($1) that is to run on a device of the zoo fails, saying so, where the layer ($2) is not loaded; with it, it
# passes. 77 without a device.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export CLQ_ZOO=discrete CLQ_TEST_FILTER='*' CLQ_TEST_DEVICE=
unset OPENCL_LAYERS CLQ_ZOO_IN

OPENCL_LAYERS=$2 "$1" >"$log" 2>&1
code=$?
if [ "$code" -ne 0 ]; then
    cat "$log"
    exit "$code"
fi

status=0
fails() { # WHAT THE PROGRAM SAYS, VARIABLES...
    said=$1
    shift
    env "$@" >"$log" 2>&1
    code=$?
    if [ "$code" -ne 1 ] || ! grep -qF "$said" "$log"; then
        echo "$*: exit code $code, where 1 and '$said' are expected:"
        cat "$log"
        status=1
    fi
}
fails "OPENCL_LAYERS, which the loader needs, is not set" "$1"
fails "OPENCL_LAYERS, which the loader needs, is /no/such/layer.so, and was not loaded" OPENCL_LAYERS=/no/such/layer.so "$1"
# The word that the layer left to another process is none.
fails "is not set" CLQ_ZOO_IN=1 "$1"
exit "$status"
