# SPDX-License-Identifier: Apache-2.0
# Every option of gemm on products small enough to be done by hand.
. "$CLQ_TEST_FOLDER/arrays.inc"
# shellcheck disable=SC2069 # of some runs only the messages are looked at
codes 1 2 3 4 5 6 | npy '|i1' '2, 3' >a.npy
codes 1 4 2 5 3 6 | npy '|i1' '3, 2' >at.npy
codes 1 0 2 -1 0 1 -2 1 3 3 3 3 | npy '|i1' '3, 4' >b.npy
codes 1 0 3 0 1 3 2 -2 3 -1 1 3 | npy '|i1' '4, 3' >bt.npy
codes 255 0 128 | npy '|u1' '1, 3' >row.npy
s32 10 -20 30 -40 | npy '<i4' '4,' >four.npy
s32 10 -20 30 -40 | npy '<i4' '1, 4' >across.npy
s32 10 -20 30 -40 | npy '<i4' '4, 1' >down.npy
s32 1 -2 | npy '<i4' '2,' >two.npy
codes 1 -2 | npy '|i1' '2, 1' >two_down.npy
codes 1 0 254 255 | npy '<i2' '1, 2' >two_across.npy
codes 1 0 254 255 | npy '<i2' '2,' >two_16.npy

echo "-- transposed files"
product d4 a.npy b.npy
product d4 at.npy b.npy --transpose-a
product d4 a.npy bt.npy --transpose-b
product d4 at.npy bt.npy --transpose-a --transpose-b
product d4 row.npy b.npy
product d4 row.npy row.npy --transpose-b
product d4 row.npy row.npy --transpose-a

echo "-- zero points: one, or one for each row of A or column of B, in the shapes there are"
product d4 a.npy b.npy --a-zero-point 1
product d4 a.npy b.npy --a-zero-point -300 --b-zero-point 0
for file in two two_down two_16; do
    product d4 a.npy b.npy --a-zero-point $file.npy
done
product d4 at.npy b.npy --transpose-a --a-zero-point two_across.npy
for file in four across; do
    product d4 a.npy b.npy --b-zero-point $file.npy
done
product d4 a.npy bt.npy --transpose-b --b-zero-point down.npy
product d4 a.npy b.npy --a-zero-point two.npy --b-zero-point=four.npy

echo "-- bias"
product d4 a.npy b.npy --bias four.npy
product d4 a.npy b.npy --bias across.npy --a-zero-point 1
codes 0 0 0 128 255 255 255 127 0 0 0 0 0 0 0 0 | npy '<i4' '4,' >ends.npy
product d4 a.npy b.npy --bias ends.npy

echo "-- f32"
f32 3f000000 40000000 3f800000 41200000 | npy '<f4' '4,' >scales.npy
f32 3f000000 40000000 | npy '<f4' '2, 1' >row_scales.npy
codes 0 0 0 0 0 0 224 63 0 0 0 0 0 0 0 64 0 0 0 0 0 0 240 63 0 0 0 0 0 0 36 64 | npy '<f8' '4,' >doubles.npy
product f4 a.npy b.npy --dtype f32
product f4 a.npy b.npy --dtype f32 --scale-a 0.25
product f4 a.npy b.npy --dtype f32 --scale-b scales.npy
product f4 a.npy b.npy --dtype f32 --scale-b doubles.npy --scale-a row_scales.npy --bias four.npy
product f4 a.npy b.npy --dtype f32 --scale-a 0.5 --scale-b 0.5 --clamp 0.5:4.25

echo "-- requantized by scales"
for dtype in s8 u8; do
    for mode in double single shift float; do
        product u1 a.npy b.npy --dtype $dtype --requant $mode --scale-a 0.5 --scale-b scales.npy --scale-c 0.7 \
            --c-zero-point 3
    done
done
product d1 a.npy b.npy --dtype s8 --scale-a 1 --scale-b 1 --scale-c 1 --bias four.npy
product d1 a.npy b.npy --dtype s8 --scale-a 1 --scale-b 100 --scale-c 1
product d1 a.npy b.npy --dtype s8 --scale-a 1 --scale-b 1 --scale-c 1 --clamp 0:6
product d1 a.npy b.npy --dtype s8 --scale-a 1 --scale-b 1 --scale-c 1 --clamp -1:127 --c-zero-point -1000

echo "-- requantized by multipliers"
s32 1073741824 1610612736 1073741824 2147483647 | npy '<i4' '4,' >q.npy
s32 0 -1 1 -31 | npy '<i4' '1, 4' >n.npy
s32 3 -3 1 0 | npy '<i4' '4,' >f0.npy
s32 1 1 0 62 | npy '<i4' '4,' >right.npy
product d1 a.npy b.npy --dtype s8 --multiplier 1073741824 --shift 1
product d1 a.npy b.npy --dtype s8 --multiplier q.npy --shift n.npy
product d1 a.npy b.npy --dtype s8 --multiplier q.npy --shift 0 --requant single
product d1 a.npy b.npy --dtype s8 --multiplier 1073741824 --shift n.npy
product d1 a.npy b.npy --dtype s8 --multiplier f0.npy --shift right.npy --requant shift
product d1 a.npy b.npy --dtype s8 --multiplier 0.5 --requant float
product d1 a.npy b.npy --dtype s8 --multiplier -0.5 --requant float
product d1 a.npy b.npy --dtype s8 --multiplier scales.npy --requant float

echo "-- bounds of s32"
product d4 a.npy b.npy --clamp 0:10
product d4 a.npy b.npy --clamp -2147483648:2147483647

echo "-- K = 0 gives the bias"
npy '|i1' '2, 0' >none_a.npy </dev/null
npy '|u1' '0, 4' >none_b.npy </dev/null
product d4 none_a.npy none_b.npy
product d4 none_a.npy none_b.npy --bias four.npy --a-zero-point two.npy --b-zero-point 5
product d1 none_a.npy none_b.npy --bias four.npy --dtype s8 --scale-a 1 --scale-b scales.npy --scale-c 1 --c-zero-point 1
product f4 none_a.npy none_b.npy --bias four.npy --dtype f32 --scale-a row_scales.npy

echo "-- sums wrap, with a warning"
codes 255 255 | npy '|u1' '1, 2' >u.npy
codes 0 0 | npy '|u1' '2, 1' >zeros.npy
"$CLQUANT" gemm u.npy zeros.npy -o c.npy --force --b-zero-point 2147483647 2>&1 >/dev/null
"$CLQUANT" gemm u.npy zeros.npy -o c.npy --force --b-zero-point 2147483647 --quiet 2>&1
array c.npy d4

for k in 131071 131072; do
    head -c $k /dev/zero | npy '|i1' "1, $k" >long.npy
    "$CLQUANT" gemm long.npy long.npy -o c.npy --force --transpose-b 2>&1 >/dev/null
done
for k in 33025 33026; do
    head -c $k /dev/zero | npy '|u1' "1, $k" >long.npy
    "$CLQUANT" gemm long.npy long.npy -o c.npy --force --transpose-b --a-zero-point 255 2>&1 >/dev/null
done

echo "-- orders of bytes and of elements"
{
    printf '\223NUMPY\001\000\106\000'
    printf "%-69s\n" "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }"
    codes 1 4 2 5 3 6
} >fortran.npy
product d4 fortran.npy b.npy
product d4 fortran.npy b.npy --a-zero-point two.npy
codes 0 0 0 10 255 255 255 236 0 0 0 30 255 255 255 216 | npy '>i4' '4,' >big.npy
product d4 a.npy b.npy --bias big.npy
