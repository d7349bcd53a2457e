# SPDX-License-Identifier: Apache-2.0
# A driver that does not let a kernel be made, asked about, given its arguments, started or waited for (tests/zoo, one
# call that fails): it is set aside with the call and its code, another serves, and the bytes are the reference's.
. "$CLQ_TEST_FOLDER/zoo_files.inc"
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
run() { # FUNCTION:N:CODE VERB ARGUMENT...
    failure=$1
    shift
    rm -f y.*
    "$CLQUANT" "$@" --device reference >/dev/null 2>&1 || exit 1
    mv y.* want
    code=0
    CLQ_ZOO="fail=$failure" OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device 0:0 >out 2>err || code=$?
    cmp y.* want && echo "$failure: $code: $1: $(said err | sed "s/ on [^:]*:/:/;s/^clquant: //;s/ with options '[^']*'//")"
}
for failure in clCreateKernel:1:-46 clCreateKernel:1:-5 clCreateKernel:3:-9999 clGetKernelWorkGroupInfo:1:-48 clSetKernelArg:1:-51 \
    clEnqueueNDRangeKernel:2:-52 clEnqueueNDRangeKernel:1:-55 clEnqueueNDRangeKernel:1:-5 clBuildProgram:1:-17 \
    clBuildProgram:1:-5; do
    run $failure quantize x.npy -o y.safetensors --granularity tensor
done
# As a GPU, of which every processor makes the same kernels.
for number in 3 4 5 6 7; do
    run "clCreateKernel:$number:-47 type=gpu" gemm a.npy b.npy -o y.npy
done
run "clSetKernelArg:1:-49 type=gpu" gemm a.npy b.npy -o y.npy

# Registers or local memory do not suffice for a kernel, which it is told at its launch, at its build or when it is made:
# another one, then the host. Where the device does not move bytes either, it is lost, and nothing is set aside.
habit() { # HABITS VERB ARGUMENT...
    habits=$1
    shift
    rm -f y.* want
    "$CLQUANT" "$@" --device reference >/dev/null 2>&1 || exit 1
    mv y.* want
    code=0
    CLQ_ZOO=$habits OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device 0:0 >out 2>err || code=$?
    [ $code -ne 0 ] || cmp y.* want || code="$code, other bytes"
    echo "$habits: $code: $1: $(sed "/waiting for it$/d;/^on device/,\$d;s/ on [^:]*:/:/;s/^clquant: //;s/ with options '[^']*'//" err)"
}
habit 'type=gpu scarce=gemm_portable' gemm a.npy b.npy -o y.npy
habit scarce-build=gemm_pack_panels gemm a.npy b.npy -o y.npy
habit 'type=gpu scarce=quantize_grid' quantize x.npy -o y.safetensors --scale 0.1
habit 'type=gpu local=256' quantize x.npy -o y.safetensors
habit lost=quantize_strip quantize x.npy -o y.safetensors --scale 0.1
habit lost=gemm_pack_panels gemm a.npy b.npy -o y.npy
habit 'type=gpu own-memory lost=minmax_grid' quantize x.npy -o y.safetensors

# The launch is taken, and what it came to is told by the read behind it.
habit 'type=gpu scarce-read=gemm_portable' gemm a.npy b.npy -o y.npy
habit scarce-read=gemm_pack_panels gemm a.npy b.npy -o y.npy
habit scarce-read=minmax_strip quantize x.npy -o y.safetensors
habit lost-read=quantize_strip quantize x.npy -o y.safetensors --scale 0.1
