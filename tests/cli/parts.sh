# SPDX-License-Identifier: Apache-2.0
# The work of one quantize in parts, and their end.
. "$CLQ_TEST_FOLDER/tensors.inc"
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet
mkdir out whole
in_parts() {
    for part in 1/3 3/3 2/3; do
        "$CLQUANT" quantize m.safetensors -o out/q.safetensors --part $part --device reference "$@" --quiet || return
    done
}
last() {
    sed -n '$s/, [0-9.]* s.*//p'
}

echo "-- the bytes of one run"
for options in '' '--granularity tensor' '--granularity group' '--preset onnx' '--dtype s4'; do
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o whole/q.safetensors --device reference $options --quiet --force
    # shellcheck disable=SC2086
    in_parts $options
    ls -A out
    "$CLQUANT" join out/q.safetensors | last
    cmp out/q.safetensors whole/q.safetensors && ls -A out
    rm out/q.safetensors
done

echo "-- what a part says"
"$CLQUANT" quantize m.safetensors -o out/q.safetensors --part 2/3 --device reference | last
refused quantize m.safetensors -o out/q.safetensors --part 2/3
refused join out/q.safetensors
refused quantize m.safetensors -o out/q.safetensors
refused quantize m.safetensors -o out/q.safetensors --part 1/2
refused quantize m.safetensors -o out/q.safetensors --part 1/3 --dtype u8
refused quantize m.safetensors -o out/q.safetensors --part 1/3 --dry-run
for part in 0/3 4/3 1 1/ /3 1/65537 a/3 1/3x; do
    refused quantize m.safetensors -o out/q.safetensors --part $part
done
refused join nothing.safetensors
refused join
refused join out --part 1/2

echo "-- as JSON"
"$CLQUANT" quantize m.safetensors -o out/q.safetensors --part 1/3 --device reference --json | grep '"device"'
"$CLQUANT" quantize m.safetensors -o out/q.safetensors --part 3/3 --device reference --quiet
"$CLQUANT" join out/q.safetensors --json | grep '"tensors": [0-9]\|"device"\|bytes'
ls -A out

echo "-- a picture of all of it"
rm out/q.safetensors
refused quantize m.safetensors -o out/q.safetensors --part 1/3 --plot p.svg
refused join out/q.safetensors --plot p.png
in_parts
"$CLQUANT" join out/q.safetensors --plot joined.svg --quiet
"$CLQUANT" quantize m.safetensors -o whole/q.safetensors --device reference --plot whole.svg --quiet --force
grep '<circle' whole.svg >points
grep '<circle' joined.svg | cmp - points && [ -s points ] && echo drawn

echo "-- another input"
rm -r out
mkdir out
in_parts
touch -t 200101010000 m.safetensors
refused join out/q.safetensors | sed "s:$PWD/::"

echo "-- NaN in a part: what is told is of the elements that it looked at"
{ head -c 65528 /dev/zero; f32 7fc00000 ff800000; } | safetensors '{"w":{"dtype":"F32","shape":[64,256],"data_offsets":[0,65536]}}' >nan.safetensors
rm -r out
mkdir out
"$CLQUANT" quantize nan.safetensors -o out/q.safetensors --part 1/2 --device reference --quiet && echo done
refused quantize nan.safetensors -o out/q.safetensors --part 2/2 --device reference
