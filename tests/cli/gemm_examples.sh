# SPDX-License-Identifier: Apache-2.0
# The worked examples of docs/numerics.md that are matrix products, through the command.
. "$CLQ_TEST_FOLDER/arrays.inc"

# The largest |Sc * (q - Zc) - y| in steps of Sc, for numbers y and q in the files $1 and $2: steps y q Sc Zc
steps() {
    paste "$1" "$2" | awk -v s="$3" -v z="$4" '
        { e = (s * ($2 - z) - $1) / s; e = e < 0 ? -e : e; if (e > most) most = e }
        END { print (most < 0.5 ? "less than half a step" : most < 0.51 ? "half a step and rounding" : \
                     most < 1 ? "less than a step" : most " steps") }'
}
# Numbers of the .npy file $1, in the od format $2, one a line.
lines() {
    od -An -v -t "$2" -j 128 "$1" | tr -s ' ' '\n' | sed '/^$/d'
}

echo "7: a matrix product from real numbers to real numbers"
f32 b7c54f4b 3b479ace 38c88518 b9887558 bb324340 3919ec3c 3bb2825d 3b30b938 3ba8ac7f 3b02c8cc 3b2905c2 3ae43c8e \
    bbb99b2c 3b90de12 3b464821 | npy '<f4' '3, 5' >a.npy
f32 3b444c54 bbbcec2b bbc3ce91 bb27abdc ba64c9bd 3b119b59 3a560087 3b4a1b40 bacda4db 3b1275ef 3b28dc7a bad78dec \
    3c00f1ae 3b5372a3 3bbda970 bac2293e bb0052db b9c53aed 3a168d9b 3b673b4d | npy '<f4' '5, 4' >b.npy
for name in a b; do
    "$CLQUANT" quantize $name.npy -o $name.safetensors --preset affine-u8 --granularity tensor --quiet || exit 1
    data $name.safetensors ${name}_scale | npy '<f4' '1,' >scale_$name.npy
    data $name.safetensors ${name}_zero_point | npy '|u1' '1,' >zero_point_$name.npy
done
data a.safetensors a | npy '|u1' '3, 5' >codes_a.npy
data b.safetensors b | npy '|u1' '5, 4' >codes_b.npy
set -- codes_a.npy codes_b.npy --scale-a scale_a.npy --scale-b scale_b.npy --quiet \
    --a-zero-point zero_point_a.npy --b-zero-point zero_point_b.npy
"$CLQUANT" gemm "$@" -o y.npy --dtype f32 || exit 1
"$CLQUANT" quantize y.npy -o y.safetensors --preset affine-u8 --granularity tensor --quiet || exit 1
scale=$(numbers y.safetensors y_scale f4)
zero_point=$(numbers y.safetensors y_zero_point u1)
lines y.npy f4 >y
for mode in shift double single float; do
    "$CLQUANT" gemm "$@" -o c.npy --force --dtype u8 --requant $mode --scale-c "$scale" --c-zero-point "$zero_point" ||
        exit 1
    lines c.npy u1 >q
    echo "$mode: $(steps y q "$scale" "$zero_point")"
done
array c.npy u1

echo "8: a pointwise convolution of MobileNetV2, 96 channels to 576 on 14 x 14 pixels"
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
data m.safetensors features.13.conv.0.0.weight | npy '<f4' '576, 96' >w.npy
data m.safetensors features.18.0.weight | head -c 75264 | npy '<f4' '96, 196' >x.npy
"$CLQUANT" quantize w.npy -o w.safetensors --preset symmetric --granularity channel --quiet || exit 1
"$CLQUANT" quantize x.npy -o x.safetensors --preset affine --granularity tensor --quiet || exit 1
data w.safetensors w | npy '|i1' '576, 96' >codes_w.npy
data w.safetensors w_scale | npy '<f4' '576, 1' >scale_w.npy
data x.safetensors x | npy '|i1' '96, 196' >codes_x.npy
set -- codes_x.npy codes_w.npy --transpose-a --transpose-b --scale-a "$(numbers x.safetensors x_scale f4)" \
    --scale-b scale_w.npy --a-zero-point "$(numbers x.safetensors x_zero_point d1)" --quiet
"$CLQUANT" gemm "$@" -o y.npy --force --dtype f32 || exit 1
"$CLQUANT" quantize y.npy -o y.safetensors --force --preset affine --granularity tensor --quiet || exit 1
scale=$(numbers y.safetensors y_scale f4)
zero_point=$(numbers y.safetensors y_zero_point d1)
lines y.npy f4 >y
for mode in double single float; do
    "$CLQUANT" gemm "$@" -o c.npy --force --dtype s8 --requant $mode --scale-c "$scale" --c-zero-point "$zero_point" ||
        exit 1
    lines c.npy d1 >q
    echo "$mode: $(steps y q "$scale" "$zero_point")"
done
"$CLQUANT" info c.npy | sed -n 3p

echo "9: QLinearMatMul of ONNX"
codes 208 236 0 238 3 214 255 29 | npy '|u1' '2, 4' >a.npy
codes 152 51 244 60 26 255 0 127 246 127 254 247 | npy '|u1' '4, 3' >b.npy
for mode in double single float; do
    product u1 a.npy b.npy --scale-a .0066 --scale-b .00705 --scale-c .0107 --a-zero-point 113 --b-zero-point 114 \
        --c-zero-point 118 --dtype u8 --requant $mode
done
codes 81 109 -127 111 -124 87 -128 -98 | npy '|i1' '2, 4' >a.npy
codes 25 -76 117 -67 -101 -128 -127 0 119 0 127 120 | npy '|i1' '4, 3' >b.npy
for mode in double single float; do
    product d1 a.npy b.npy --scale-a .0066 --scale-b .00705 --scale-c .0107 --a-zero-point -14 --b-zero-point -13 \
        --c-zero-point -9 --dtype s8 --requant $mode
done

echo "10: ties, of a sum of products and of a bias alone"
codes 127 110 | npy '|u1' '1, 2' >a.npy
codes 62 1 | npy '|i1' '2, 1' >b.npy
npy '|i1' '1, 0' >none_a.npy </dev/null
npy '|i1' '0, 2' >none_b.npy </dev/null
s32 7984 1 | npy '<i4' '2,' >x.npy
s32 1583594044 1073741824 | npy '<i4' '2,' >q.npy
s32 -9 -1 | npy '<i4' '2,' >n.npy
for mode in double single; do
    product d1 a.npy b.npy --multiplier 1583594044 --shift -9 --dtype s8 --requant $mode
    product d1 none_a.npy none_b.npy --bias x.npy --multiplier q.npy --shift n.npy --dtype s8 --requant $mode
done
