# SPDX-License-Identifier: Apache-2.0
# --json prints one object also when the command fails, and keeps the exit code.
. "$CLQ_TEST_FOLDER/files.inc"
f32 3f800000 7fc00000 | npy '<f4' '2,' >x.npy
f32 3f800000 40000000 | npy '<f4' '2,' >y.npy
echo nonsense >bad.safetensors
fails() {
    echo "-- $*"
    "$CLQUANT" "$@" >output 2>messages
    echo "exit code $?, messages: $(said messages | grep -c .)"
    sed 's/; there are: .*",/",/' output
}
fails quantize x.npy -o q.safetensors --json
fails quantize nowhere.npy -o q.safetensors --json
fails quantize bad.safetensors -o q.safetensors --json
fails quantize x.npy -o q.safetensors --json --device nothing-of-that-name
fails quantize x.npy --json
fails quantize x.npy -o q.safetensors --bogus --json
fails dequantize bad.safetensors -o q.safetensors --json
fails compare x.npy bad.safetensors --json
fails minmax bad.safetensors --json
fails minmax y.npy --json --tensor z
fails multiplier nan --json
fails sample nothing -o q.safetensors --json
fails --json
fails tune --budget 0 --json
echo "-- what fails with a report tells it there"
f32 3f800000 40100000 3f800000 40000000 | npy '<f4' '2, 2' >z.npy
late() {
    "$CLQUANT" "$@" --json >output 2>messages
    echo "$1: $?: $(tail -n 2 output | head -n 1)"
}
late quantize z.npy -o q.safetensors --fail-sqnr-below 200
late compare z.npy y.npy
late minmax x.npy
late info y.npy bad.safetensors
late quantize z.npy -o q.safetensors
rm q.safetensors
ls -A
