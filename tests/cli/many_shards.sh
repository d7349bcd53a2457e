# SPDX-License-Identifier: Apache-2.0
# More shards than the soft limit on open files allows: the command raises it to the hard one.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
count=30
i=0
{
    printf '{"weight_map":{'
    while [ $i -lt $count ]; do
        [ $i -eq 0 ] || printf ','
        printf '"w%d":"m-%d.safetensors"' $i $i
        f32 3f800000 40000000 |
            safetensors '{"w'$i'":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}' >m-$i.safetensors
        i=$((i + 1))
    done
    printf '}}'
} >m.safetensors.index.json
mkdir out
(
    ulimit -S -n 40 2>/dev/null || exit 77
    "$CLQUANT" quantize m.safetensors.index.json -o out/q.safetensors.index.json --quiet || exit 1
    "$CLQUANT" dequantize out/q.safetensors.index.json -o out/d.safetensors.index.json --quiet || exit 1
    "$CLQUANT" compare m.safetensors.index.json out/d.safetensors.index.json | tail -n 1
    ls -A out | wc -l | tr -d ' '
)
