# SPDX-License-Identifier: Apache-2.0
# --variant: every kernel gives the bytes of the reference or says that it cannot run, with exit code 1.
. "$CLQ_TEST_FOLDER/arrays.inc"
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
"$CLQUANT" sample transformer-block -o m.safetensors --quiet || exit 1
ran=0
for shape in '64 80 256' '1 500 300' '33 7 4000'; do
    # shellcheck disable=SC2086
    set -- $shape
    tail -c $(($1 * $3)) m.safetensors | npy '|i1' "$1, $3" >a.npy
    tail -c $(($2 * $3)) m.safetensors | npy '|i1' "$3, $2" >b.npy
    "$CLQUANT" gemm a.npy b.npy -o reference.npy --force --quiet --device reference || exit 1
    for variant in portable cpu cpu-avx2 cpu-vnni cpu-amx khr-dot nvidia-mma intel-dpas intel-dpas16 nvidia-dp4a amd-mfma amd-mfma32 amd-wmma amd-dot arm-dot gemv split-k; do
        rm -f c.npy
        "$CLQUANT" gemm a.npy b.npy -o c.npy --variant $variant --json >report 2>message
        code=$?
        if [ $code -eq 0 ]; then
            cmp c.npy reference.npy
            # A kernel may also work on slices of K.
            grep -q -e "\"variant\": \"$variant\"" -e '"variant": "split-k"' report || echo "$variant: not what ran: $(grep variant report)"
            ran=$((ran + 1))
        elif [ $code -ne 1 ] || [ "$(said message | grep -c .)" != 1 ] || [ -e c.npy ]; then
            echo "$variant: exit code $code"
            cat message
        fi
        case $code-$variant in
        [!0]*-portable) echo "portable runs everywhere: $(cat message)" ;;
        esac
    done
done
# Kernels of other operations are none of gemm, K is cut here or it is not.
for device in "$CLQ_TEST_DEVICE" cut; do
    (
        if [ "$device" = cut ] && [ -n "$CLQ_ZOO_LAYER" ]; then
            export OPENCL_LAYERS="$CLQ_ZOO_LAYER" CLQ_ZOO='type=gpu own-memory units=64'
        fi
        refused gemm a.npy b.npy -o d.npy --variant strip | sed "s/'.*' would run/... would run/"
    )
done
[ $ran -ge 3 ] || echo "only $ran ran"
# A way that is asked for and does not fit is no failure, and why is told once.
"$CLQUANT" bench minmax --rounds 1 --quick --variant columns 2>&1 >/dev/null | sed -n 's/.*\(variant columns does not compute this problem\).*/\1/p'
