# SPDX-License-Identifier: Apache-2.0
# Batches: both operands have them, or one of them, and the other serves all; parameters for each batch.
. "$CLQ_TEST_FOLDER/arrays.inc"
codes 1 2 3 4 5 6 7 8 9 10 11 12 | npy '|i1' '3, 2, 2' >a.npy
codes 1 0 0 1 2 0 0 2 -1 1 1 -1 | npy '|i1' '3, 2, 2' >b.npy
codes 1 2 3 4 | npy '|u1' '2, 2' >one.npy
product d4 a.npy b.npy
product d4 a.npy one.npy
product d4 one.npy b.npy
product d4 a.npy b.npy --transpose-a --transpose-b

echo "-- several batch dimensions"
codes 1 2 3 4 5 6 7 8 9 10 11 12 | npy '|i1' '1, 3, 2, 2' >a4.npy
codes 1 0 0 1 2 0 0 2 -1 1 1 -1 | npy '|i1' '1, 3, 2, 2' >b4.npy
codes 1 2 3 4 | npy '|u1' '1, 1, 2, 2' >ones.npy
product d4 a4.npy b4.npy
product d4 a4.npy one.npy --transpose-b
product d4 ones.npy ones.npy
refused gemm a4.npy b.npy -o d.npy
refused gemm a.npy ones.npy -o d.npy
refused gemm ones.npy b4.npy -o d.npy

echo "-- parameters: for all batches, or for each"
s32 1 2 | npy '<i4' '2,' >two.npy
s32 1 2 | npy '<i4' '1, 1, 2' >two_3d.npy
s32 1 2 3 4 5 6 | npy '<i4' '3, 2' >six.npy
s32 1 2 3 4 5 6 | npy '<i4' '3, 2, 1' >six_down.npy
s32 1 2 3 4 5 6 | npy '<i4' '3, 1, 2' >six_across.npy
s32 1 2 3 | npy '<i4' '3, 1, 1' >three.npy
s32 1 2 3 4 5 6 | npy '<i4' '1, 3, 2' >six_4d.npy
for file in two six six_down three; do
    product d4 a.npy b.npy --a-zero-point $file.npy
done
for file in two two_3d six six_across three; do
    product d4 a.npy b.npy --b-zero-point $file.npy
done
product d4 a4.npy b4.npy --a-zero-point six_4d.npy --b-zero-point two.npy
product d4 a.npy one.npy --a-zero-point six.npy --b-zero-point two.npy --bias two.npy
product d4 one.npy b.npy --a-zero-point two.npy --b-zero-point six.npy
refused gemm one.npy b.npy -o d.npy --a-zero-point six.npy
refused gemm a.npy one.npy -o d.npy --b-zero-point six.npy
refused gemm a.npy b.npy -o d.npy --bias six.npy
refused gemm a4.npy b4.npy -o d.npy --a-zero-point six.npy

echo "-- scales: f32 takes those of each batch, codes one set for all"
f32 3f800000 40000000 40400000 40800000 40a00000 40c00000 | npy '<f4' '3, 2' >scales.npy
f32 3f800000 40000000 | npy '<f4' '2,' >two_scales.npy
product f4 a.npy b.npy --dtype f32 --scale-b scales.npy
product f4 a.npy b.npy --dtype f32 --scale-a scales.npy --scale-b two_scales.npy
product d1 a.npy b.npy --dtype s8 --scale-a 1 --scale-b two_scales.npy --scale-c 2
refused gemm a.npy b.npy -o d.npy --dtype s8 --scale-a 1 --scale-b scales.npy --scale-c 2

echo "-- K = 0"
npy '|i1' '3, 2, 0' >none_a.npy </dev/null
npy '|i1' '0, 2' >none_b.npy </dev/null
product f4 none_a.npy none_b.npy --bias two.npy --dtype f32 --scale-a scales.npy
