# SPDX-License-Identifier: Apache-2.0
# Ranges per tensor, channel and group; tensors that have none; names that are not there.
. "$CLQ_TEST_FOLDER/files.inc"
# a = [[1, -2, 3], [-0, 0.5, 100]], b = [0.1, -0.1] in f16, c = 4 as I64, d = [] without elements, e = -1.5 in bf16
{
    f32 3f800000 c0000000 40400000 80000000 3f000000 42c80000
    printf '\146\056\146\256\004\000\000\000\000\000\000\000\300\277'
} | safetensors '{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[2],"data_offsets":[24,28]},"c":{"dtype":"I64","shape":[],"data_offsets":[28,36]},"e":{"dtype":"BF16","shape":[],"data_offsets":[36,38]},"d":{"dtype":"F32","shape":[0,3],"data_offsets":[38,38]}}' >x.safetensors
"$CLQUANT" minmax x.safetensors
echo "-- one tensor, by channel"
"$CLQUANT" minmax x.safetensors --tensor a --tensor a --granularity channel -v 2>/dev/null
echo "-- the other axis"
"$CLQUANT" minmax x.safetensors --tensor a --granularity channel --axis -1 -v 2>/dev/null
echo "-- by group"
"$CLQUANT" minmax x.safetensors --tensor a --granularity group --group-size 2 -v 2>/dev/null
echo "-- what has no such axis is left out of all, and refused by name"
"$CLQUANT" minmax x.safetensors --granularity channel --axis 1 >all.txt 2>&1
cat all.txt
refused minmax x.safetensors --tensor b --granularity channel --axis 1
refused minmax x.safetensors --tensor c
refused minmax x.safetensors --tensor aa
refused minmax x.safetensors --tensor weight
refused minmax nowhere.safetensors
: >empty.safetensors
refused minmax empty.safetensors
"$CLQUANT" minmax x.safetensors -v 2>&1 >/dev/null | grep skipped
