# SPDX-License-Identifier: Apache-2.0
# Every verb that uses a device, on devices with memory of their own (tests/zoo): the bytes of the reference.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/verbs.inc"
on_device() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" "$@" --device "$kind"
}

# glibc fills memory that is freed, so that who still reads it is seen, as a driver's runtime that flushes at the end the
# stdout of its beginning. Other cases have no time for it.
MALLOC_PERTURB_=165
export MALLOC_PERTURB_
kind=gpu
habits='type=gpu own-memory'
verbs
same '' minmax m.safetensors --json --nonfinite ignore
kind=0:0
habits='accelerator'
verbs 0
kind=cpu
habits='own-memory'
verbs 1
habits= # memory in common with the process
verbs 2
echo "$count runs"
