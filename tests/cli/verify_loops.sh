# SPDX-License-Identifier: Apache-2.0
# A device that ends a work-item's loops after 65,535 rounds (tests/zoo; as Mesa's llvmpipe does): verify names it, long
# loops are cut finer or the host's, and all bytes are the reference's.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
printf 'i < rounds; i++\ti < min(rounds, 65535u); i++\n' >ends
on_device() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO='mutate=ends' "$CLQUANT" "$@" --device 0:0
}
on_device verify --only 'probe-loop/rounds/*' --seed 1 >told 2>&1
echo "exit code $?"
sed -n '/^DIFFERS/p; /^    rounds/p' told

head -c 33554432 /dev/zero | tr '\0' '?' >data
npy '<f4' '2048, 4096' <data >x.npy
head -c 131072 data | npy '|i1' '16, 8192' >a.npy
head -c 262144 data | npy '|i1' '8192, 32' >b.npy
for granularity in tensor channel; do
    on_device quantize x.npy -o "$granularity".safetensors --granularity "$granularity" 2>told >/dev/null
    sed -n 's/^clquant: .*: loops/loops/p' told
    "$CLQUANT" quantize x.npy -o want.safetensors --granularity "$granularity" --quiet --force --device reference
    cmp "$granularity".safetensors want.safetensors && echo "the same, $granularity"
done
on_device gemm a.npy b.npy -o c.npy 2>&1 | sed -n "s/.* GOPS by \(.*\) on .*/by \1/p"
"$CLQUANT" gemm a.npy b.npy -o want.npy --quiet --device reference
cmp c.npy want.npy && echo "the same product"
