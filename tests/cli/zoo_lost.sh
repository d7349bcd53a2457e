# SPDX-License-Identifier: Apache-2.0
# A device that takes a command, ends it abnormally and goes on (tests/zoo, lose): exit code 4 and what was lost, on
# every verb, whichever of its first commands it is, and no output.
. "$CLQ_TEST_FOLDER/zoo_files.inc"
"$CLQUANT" quantize x.npy -o q.safetensors --device reference --quiet || exit 1
printf '%s\n' 30x33 3x5x7 >shapes.txt

on_device() { # HABITS VERB...
    habits=$1
    shift
    rm -f y.*
    code=0
    CLQ_ZOO=$habits OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device 0:0 >out 2>err || code=$?
}

most=3
[ -z "$CLQ_EVERY_LAUNCH" ] || most=100
each() { # HABITS FUNCTION VERB...
    personality=$1
    function=$2
    shift 2
    n=1
    while [ $n -le $most ]; do
        on_device "$personality lose=$function:$n" "$@"
        [ $code -ne 0 ] || break
        [ $code -eq 4 ] && grep -q "^clquant: .*$function failed with CL_OUT_OF_RESOURCES" err ||
            echo "[$personality] $function $n: exit code $code: $(grep ^clquant: err): $*"
        [ -z "$(ls -A | grep 'y\.')" ] || echo "[$personality] $function $n: left $(ls -A | grep 'y\.'): $*"
        [ "$1" != minmax ] || [ "$(wc -l <out)" -le 1 ] || echo "[$personality] $function $n: says $(tail -n 1 out): $*"
        n=$((n + 1))
    done
    [ $n -gt 1 ] || echo "[$personality] $function is never lost: $*"
}

for personality in 'type=cpu' 'type=gpu own-memory'; do
    for verb in 'minmax x.npy' 'quantize x.npy -o y.safetensors' 'quantize x.npy -o y.safetensors --calibrate mse' \
        'dequantize q.safetensors -o y.safetensors' 'compare x.npy q.safetensors' 'calibrate x.npy -o y.json --method mse' \
        'gemm a.npy b.npy -o y.npy' 'bench minmax gemm --rounds 1 --quick --shapes shapes.txt'; do
        [ "${verb#bench}" = "$verb" ] || [ "$personality" = type=cpu ] || continue # it compiles much
        # Kernels that are known: what a trial loses is no kernel's result.
        # shellcheck disable=SC2086
        on_device "$personality" $verb
        [ $code -eq 0 ] || echo "$verb: $(cat err)"
        # shellcheck disable=SC2086
        each "$personality" clEnqueueNDRangeKernel $verb
    done
done
echo "-- what is sent ahead"
each 'type=gpu own-memory' clEnqueueWriteBuffer quantize big.safetensors -o y.safetensors --quiet
