# SPDX-License-Identifier: Apache-2.0
# OUT is in its place before it is reported: where the report cannot be printed, that is told, and OUT is whole.
. "$CLQ_TEST_FOLDER/files.inc"
[ -e /dev/full ] || exit 77
f32 3f800000 40000000 bf800000 3f000000 | npy '<f4' '2, 2' >x.npy
printf 'abcd' | npy '|i1' '2, 2' >a.npy
"$CLQUANT" quantize x.npy -o q.safetensors --quiet || exit 1

# lost OUT ARGUMENT...: with reports as text and as JSON, on a full disk and on no stdout at all.
lost() {
    out=$1
    shift
    "$CLQUANT" "$@" -o "whole-$out" --quiet || exit 1
    for form in --progress=never --json; do
        for place in /dev/full closed; do
            rm -f "$out"
            code=0
            if [ $place = closed ]; then
                "$CLQUANT" "$@" -o "$out" "$form" 2>said >&- || code=$?
            else
                "$CLQUANT" "$@" -o "$out" "$form" 2>said >$place || code=$?
            fi
            echo "$1 $form, $place: $code"
            said said
            cmp "$out" "whole-$out"
        done
    done
    # With nothing to print nothing is lost.
    "$CLQUANT" "$@" -o "$out" --force --quiet >/dev/full
    echo "$1 --quiet: $?"
}
lost n.safetensors quantize x.npy
lost d.npy dequantize q.safetensors
lost r.json calibrate x.npy
lost c.npy gemm a.npy a.npy
lost s.safetensors sample transformer-block
