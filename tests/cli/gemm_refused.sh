# SPDX-License-Identifier: Apache-2.0
# What gemm refuses, before it writes anything.
. "$CLQ_TEST_FOLDER/arrays.inc"
codes 1 2 3 4 5 6 | npy '|i1' '2, 3' >a.npy
codes 1 2 3 4 5 6 7 8 9 10 11 12 | npy '|i1' '3, 4' >b.npy
f32 3f800000 40000000 40400000 40800000 | npy '<f4' '4,' >four.npy
f32 3f800000 7fc00000 40400000 40800000 | npy '<f4' '4,' >nan.npy
s32 1 2 3 | npy '<i4' '3,' >three.npy
s32 1 2 3 4 | npy '<i4' '4,' >bias.npy
codes 0 0 0 0 1 0 0 0 1 0 0 0 0 0 0 0 | npy '<i8' '2,' >wide.npy
ls -A >before
r() {
    refused gemm a.npy b.npy -o c.npy "$@"
}

echo "-- files"
refused gemm a.npy none.npy -o c.npy
refused gemm none.npy b.npy -o c.npy
refused gemm a.npy four.npy -o c.npy
refused gemm bias.npy b.npy -o c.npy
codes 1 2 3 | npy '|u1' '3,' >vector.npy
codes 1 | npy '|u1' '' >scalar.npy
refused gemm vector.npy b.npy -o c.npy
refused gemm a.npy scalar.npy -o c.npy
codes 1 2 3 4 5 | npy '|i1' '2, 3' >short.npy
refused gemm short.npy b.npy -o c.npy
codes 1 2 3 4 5 6 | safetensors '{"a":{"dtype":"I8","shape":[2,3],"data_offsets":[0,6]}}' >a.safetensors
refused gemm a.safetensors b.npy -o c.npy
mkdir folder folder.npy
refused gemm folder b.npy -o c.npy

echo "-- shapes"
refused gemm a.npy a.npy -o c.npy
refused gemm b.npy a.npy -o c.npy
refused gemm b.npy b.npy -o c.npy
refused gemm a.npy b.npy -o c.npy --transpose-a
refused gemm a.npy b.npy -o c.npy --transpose-b
refused gemm a.npy b.npy -o c.npy --transpose-a --transpose-b
npy '|i1' '0, 3' >empty.npy </dev/null
npy '|i1' '3, 0' >no_columns.npy </dev/null
npy '|i1' '0, 2, 3' >no_batch.npy </dev/null
refused gemm empty.npy b.npy -o c.npy
refused gemm a.npy no_columns.npy -o c.npy
refused gemm no_batch.npy b.npy -o c.npy
npy '|i1' '4294967296, 0' >tall.npy </dev/null
npy '|i1' '0, 2147483648' >wide_b.npy </dev/null
npy '|i1' '0, 4' >none_b.npy </dev/null
npy '|i1' '2000000000, 0' >large_a.npy </dev/null
npy '|i1' '0, 2000000000' >large_b.npy </dev/null
refused gemm tall.npy none_b.npy -o c.npy
refused gemm tall.npy wide_b.npy -o c.npy
refused gemm large_a.npy large_b.npy -o c.npy
npy '|i1' '4000000, 0' >large_a.npy </dev/null
npy '|i1' '0, 4000000' >large_b.npy </dev/null
refused gemm large_a.npy large_b.npy -o c.npy | sed 's/clquant: .*/clquant: .../' # the disk, or else the memory

echo "-- outputs"
cp a.npy kept.npy
ln a.npy hard.npy
ln -s b.npy soft.npy
refused gemm a.npy b.npy -o a.npy --force
refused gemm a.npy b.npy -o hard.npy --force
refused gemm a.npy b.npy -o soft.npy --force
refused gemm a.npy b.npy -o bias.npy --force --bias bias.npy
cmp a.npy kept.npy
refused gemm a.npy b.npy -o kept.npy
refused gemm a.npy b.npy -o folder.npy --force
refused gemm a.npy b.npy -o nowhere/c.npy
refused gemm a.npy b.npy -o c.safetensors
refused gemm a.npy b.npy -o c
ln -s /dev/full device.npy
refused gemm a.npy b.npy -o device.npy --force
rm -f hard.npy soft.npy device.npy kept.npy

echo "-- values"
r --a-zero-point 1.5
r --a-zero-point 2147483648
r --a-zero-point 99999999999999999999
r --a-zero-point -2147483649
r --a-zero-point nowhere.npy
r --a-zero-point a.safetensors
r --a-zero-point bias.npy
r --a-zero-point no_columns.npy
r --b-zero-point three.npy
r --b-zero-point four.npy
r --a-zero-point wide.npy
r --bias 5
r --bias three.npy
r --bias four.npy
r --dtype f32 --scale-a 0
r --dtype f32 --scale-a 1e-31
r --dtype f32 --scale-a four.npy
r --dtype f32 --scale-b bias.npy
r --dtype f32 --scale-b nan.npy
r --dtype f32 --scale-a 1e-20 --scale-b 1e-20
r --dtype f32 --scale-a 1e20 --scale-b 1e20
r --dtype s8 --scale-a four.npy --scale-b 1 --scale-c 1
r --dtype s8 --scale-a 1 --scale-b 1 --scale-c 0
r --dtype s8 --scale-a 1 --scale-b 1 --scale-c four.npy
r --dtype s8 --scale-a 1e20 --scale-b four.npy --scale-c 1
r --dtype s8 --scale-a 1e20 --scale-b 1e20 --scale-c 1 --requant float
r --dtype s8 --scale-a 65536 --scale-b 1 --scale-c 1 --requant shift
r --dtype s8 --scale-a 1073741824 --scale-b 1 --scale-c 1 --requant single
r --dtype s8 --multiplier -1 --shift 0
r --dtype s8 --multiplier 0.5 --shift 0
r --dtype s8 --multiplier 1 --shift -32
r --dtype s8 --multiplier 1 --shift 32
r --dtype s8 --multiplier 1 --shift 31 --requant single
r --dtype s8 --multiplier 1 --shift -1 --requant shift
r --dtype s8 --multiplier 1 --shift 63 --requant shift
r --dtype s8 --multiplier 1e39 --requant float
r --dtype s8 --multiplier bias.npy --requant float
r --dtype s8 --multiplier four.npy --shift 0
r --dtype s8 --multiplier three.npy --shift 0
r --clamp 1
r --clamp 1:0
r --clamp 0.5:1
r --clamp 0:2147483648
r --clamp -1:255 --dtype u8 --scale-a 1 --scale-b 1 --scale-c 1
r --clamp 0:1e39 --dtype f32

echo "-- options that do not go together"
r --dtype s4
r --requant double
r --requant triple --dtype s8
r --scale-a 1
r --scale-b 1 --dtype s32
r --scale-c 1 --dtype f32
r --multiplier 1 --dtype f32
r --shift 1
r --c-zero-point 1
r --c-zero-point 1.5 --dtype s8
r --dtype u8
r --dtype u8 --requant float
r --dtype u8 --scale-a 1 --scale-b 1
r --dtype u8 --scale-c 1
r --dtype u8 --scale-a 1 --multiplier 1
r --dtype u8 --scale-c 1 --shift 1
r --dtype u8 --multiplier 1
r --dtype u8 --shift 1
r --dtype u8 --multiplier 1 --shift 1 --requant float
r --dry-run
r --variant

echo "-- devices"
r --device nonesuch | sed 's/there are: .*/there are: .../'
r --device reference --variant portable
r --variant no-such-kernel | sed "s/no-such-kernel: .*/no-such-kernel: .../"
rm -rf folder folder.npy vector.npy scalar.npy short.npy a.safetensors empty.npy no_columns.npy no_batch.npy \
    tall.npy wide_b.npy none_b.npy large_a.npy large_b.npy before
ls -A
