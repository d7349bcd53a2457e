# SPDX-License-Identifier: Apache-2.0
# A device that fails: exit code 4 and the call that failed, on every verb, whatever is still being compiled or run then.
. "$CLQ_TEST_FOLDER/zoo_files.inc"
"$CLQUANT" quantize x.npy -o q.safetensors --device reference --quiet || exit 1
printf '%s\n' 30x33 3x5x7 >shapes.txt

# Each call of a function in turn, until the verb ends before it: 4, one story that names the call, and no output.
each() {
    function=$1
    error=$2
    most=$3
    shift 3
    n=0
    code=4
    while [ $code -ne 0 ] && [ $n -lt "$most" ]; do
        n=$((n + 1 + (n * step + 1) / 2))
        rm -f y.*
        [ -z "$CLQ_EVERY_LAUNCH" ] || rm -rf pocl
        code=0
        CLQ_ZOO="$habits fail=$function:$n:$error" OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device 0:0 >out 2>err ||
            code=$?
        if [ $code -eq 0 ]; then
            continue
        fi
        failures=$((failures + 1))
        [ $code -eq 4 ] || echo "[$habits] $function:$n:$error: exit code $code: $*"
        grep -q "^clquant: .*$function failed with CL_\(OUT_OF\|DEVICE_NOT\)" err || echo "[$habits] $function:$n:$error: $(grep ^clquant: err): $*"
        [ -z "$(ls -A | grep 'y\.')" ] || echo "[$habits] $function:$n:$error: left $(ls -A | grep 'y\.'): $*"
    done
    [ $n -gt 1 ] || [ $code -ne 0 ] || echo "[$habits] $function is never called: $*"
}

failures=0
# In the suite ever longer steps are taken, and each run compiles what those before it did not come to; with
# CLQ_EVERY_LAUNCH=1 each launch fails, and each run compiles all.
echo "-- launches, while kernels are compiled"
step=8
[ -z "$CLQ_EVERY_LAUNCH" ] || step=0
habits=
(
    CLQUANT_CACHE_DIR=
    POCL_CACHE_DIR=$PWD/pocl
    export CLQUANT_CACHE_DIR POCL_CACHE_DIR
    each clEnqueueNDRangeKernel -2 100 quantize x.npy -o y.safetensors --preset affine --axis 1
    # A product's kernels take as long to compile as all others: test_gemm_failures has them.
    [ -z "$CLQ_EVERY_LAUNCH" ] || each clEnqueueNDRangeKernel -2 100 gemm a.npy b.npy -o y.npy --a-zero-point 3
    [ $failures -gt 2 ] || echo "only $failures launches"
)

echo "-- every call, once kernels are known"
step=0
error=-5
# In the suite the first call of each only, and with memory of its own of those that differ there.
[ -z "$CLQ_EVERY_LAUNCH" ] && most=1 || most=2
functions='clCreateContext clCreateBuffer clEnqueueMapBuffer clEnqueueUnmapMemObject clEnqueueNDRangeKernel'
for habits in '' 'type=gpu own-memory'; do
    for verb in 'minmax x.npy' 'quantize x.npy -o y.safetensors' 'quantize x.npy -o y.safetensors --calibrate mse' \
        'dequantize q.safetensors -o y.safetensors' 'compare x.npy q.safetensors' 'calibrate x.npy -o y.json --method mse' \
        'gemm a.npy b.npy -o y.npy' 'bench minmax gemm --rounds 1 --quick --shapes shapes.txt'; do
        [ -z "$habits" ] || [ -n "$CLQ_EVERY_LAUNCH" ] || [ "${verb#bench}" = "$verb" ] || continue # it compiles much
        # Want of resources sets aside what is not known, want of memory does not.
        # shellcheck disable=SC2086
        [ $error -ne -5 ] || CLQ_ZOO=$habits OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" $verb --device 0:0 >out 2>err ||
            echo "$verb: $(cat err)"
        for function in $functions; do
            [ "$function$habits" != 'clEnqueueUnmapMemObjecttype=gpu own-memory' ] || continue # pinned memory stays mapped
            # shellcheck disable=SC2086
            each $function $error $most $verb
        done
    done
    error=-6
    [ -n "$CLQ_EVERY_LAUNCH" ] || functions='clCreateBuffer clEnqueueNDRangeKernel'
done

echo "-- results that no data gives"
habits='type=gpu own-memory nan=1'
wrong() {
    code=0
    # Kernels that are known: else the trial finds them wrong, and the host serves.
    CLQ_ZOO=${habits% nan=1} OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device gpu >out 2>err || echo "$1: $(said err)"
    rm -f y.*
    CLQ_ZOO="$habits" OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device gpu >out 2>err || code=$?
    echo "$code: $1: $(said err | sed -e '/^on device /d' -e 's/ on [^:]*:/:/')"
}
wrong minmax x.npy
wrong quantize x.npy -o y.safetensors
wrong quantize x.npy -o y.safetensors --calibrate mse
wrong calibrate x.npy -o y.json --method entropy
wrong dequantize q.safetensors -o y.safetensors
wrong compare x.npy q.safetensors

echo "-- no descriptors left"
for limit in 16 20; do
    for verb in 'minmax x.npy --device 0:0' 'quantize x.npy -o y.safetensors --device 0:0' \
        'gemm a.npy b.npy -o y.npy --device 0:0 ' 'minmax x.npy --device auto' 'minmax x.npy --device reference'; do
        code=0
        # shellcheck disable=SC2086
        (ulimit -n $limit && exec "$CLQUANT" $verb >out 2>err) || code=$?
        echo "$limit: $code: $(said err | sed 's/ [0-9]* are left/ some are left/')"
    done
done
