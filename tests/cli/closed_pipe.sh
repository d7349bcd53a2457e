# SPDX-License-Identifier: Apache-2.0
# Who has read enough and closes the pipe is no failure: no word, and the exit code of what was done. A line on stderr
# comes behind what was printed before it.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE

# closed ARGUMENT...: the command with a stdout that nobody reads.
mkfifo pipe
closed() {
    code=0
    head -c 0 <pipe &
    reader=$!
    exec 3>pipe
    wait $reader
    "$CLQUANT" "$@" >&3 2>said || code=$?
    exec 3>&-
    echo "$1: $code$(sed 's/^/ /' said)"
}
f32 3f800000 40000000 bf800000 3f000000 | npy '<f4' '2, 2' >x.npy
f32 3f800000 40000000 bf800000 3f7f0000 | npy '<f4' '2, 2' >y.npy
closed --help
closed man
closed info x.npy
closed info x.npy nowhere.npy
closed minmax x.npy --json
closed quantize x.npy -o q.safetensors
closed dequantize q.safetensors -o d.npy --json
closed calibrate x.npy -o r.json
closed compare x.npy y.npy --fail-sqnr-below 100
closed compare x.npy y.npy --json
closed multiplier 0.5
closed devices
ls q.safetensors d.npy r.json
"$CLQUANT" info x.npy | head -n 1

echo "-- an output that is a pipe is refused as ever"
mkfifo out.safetensors
refused quantize x.npy -o out.safetensors --force

echo "-- stdout before stderr"
"$CLQUANT" info x.npy nowhere.npy y.npy 2>&1 | grep -v -e elements -e '^$' -e '^tensor'
if [ -e /dev/full ]; then
    code=0
    "$CLQUANT" info x.npy nowhere.npy >/dev/full 2>said || code=$?
    echo "$code: $(cat said)"
fi
