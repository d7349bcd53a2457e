# SPDX-License-Identifier: Apache-2.0
# A device that `auto` chose and that is far slower than this processor: it is left after a few launches, with one line,
# and native computes, with the reference's bytes. The next run does not measure it again. Who names it gets it.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/arrays.inc"
seq 1 9999 | head -c 40000 | npy '<f4' '100, 100' >x.npy # digits: finite numbers
seq 1 9999 | head -c 400 | npy '|i1' '20, 20' >a.npy
CLQUANT_CACHE_DIR=$PWD/cache
CLQUANT_COMPILE_SECONDS=3600
unset CLQUANT_DEVICE
export CLQUANT_CACHE_DIR CLQUANT_COMPILE_SECONDS

# A launch takes 0.3 seconds of the processor more than it should, thousands of times what it takes; nothing here depends on the rest.
slow() {
    rm -f launches
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="slow=300:$PWD/launches" "$CLQUANT" "$@" 2>messages
}
quick() {
    rm -f launches
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="slow=0:$PWD/launches" "$CLQUANT" "$@" 2>messages
}
# Who computed, what was said of it, and how often the device was launched: never, a few times, or more.
told() {
    sed -n 's/.*"device": "\(native\|reference\)".*/by \1/p; s/.*"device": ".*/by DEVICE/p' "$1" | head -n 1
    sed -n 's/^clquant: \(minmax\|gemm\) of \([0-9]* KiB\) takes [0-9.]* ms on .*, [0-9.]* on /\1 of \2 takes S ms on DEVICE, S on /p' messages
    count=0
    [ ! -e launches ] || count=$(wc -l <launches)
    if [ "$count" -eq 0 ]; then echo "no launch"; elif [ "$count" -le 24 ]; then echo "few launches"; else echo "launches"; fi
}

"$CLQUANT" quantize x.npy -o want.safetensors --quiet --device reference
"$CLQUANT" minmax x.npy --device reference >want.txt
"$CLQUANT" gemm a.npy a.npy -o want.npy --quiet --device reference

# Kernels are compiled, compared and kept while it is quick, and nothing is said.
echo "quick"
quick quantize x.npy -o got.safetensors --json >report && cmp want.safetensors got.safetensors && told report
quick gemm a.npy a.npy -o got.npy --json >report && cmp want.npy got.npy && told report
ls cache | grep -c '\.pace$'
rm cache/*.pace

echo "slow"
slow quantize x.npy -o slow.safetensors --json >report && cmp want.safetensors slow.safetensors && told report
slow gemm a.npy a.npy -o slow.npy --json >report && cmp want.npy slow.npy && told report

echo "slow again"
slow minmax x.npy >got.txt && cmp want.txt got.txt && told got.txt
slow gemm a.npy a.npy -o again.npy --json >report && cmp want.npy again.npy && told report

echo "named, or as long as it takes"
slow minmax x.npy --json --device 0:0 >report && told report
CLQUANT_COMPILE_SECONDS=0 slow minmax x.npy --json >report && told report
