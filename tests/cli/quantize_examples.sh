# SPDX-License-Identifier: Apache-2.0
# The worked examples of docs/numerics.md, through the command.
. "$CLQ_TEST_FOLDER/tensors.inc"

echo "1: a range far from zero"
example 40066666 4109999a -- --preset affine

echo "2: three presets on one vector"
for preset in scale-only symmetric affine; do
    example 3e5c84cf 3fa5eb0d bf821218 -- --preset $preset
    "$CLQUANT" compare x.npy x.safetensors --json >compared.json
    echo "max error: $(members compared.json max_abs_error)"
done

echo "3: an exact zero"
example bfe66666 bf800000 00000000 3f000000 -- --preset snpe
example c0a33333 40a33333 -- --preset snpe
example 3f000000 3f800000 40400000 -- --preset snpe
example c0400000 bf800000 bf000000 -- --preset snpe
example 00000000 00000000 -- --preset snpe

echo "4: centered codes"
example 421cdcdd 00000000 447a0000 c47a0000 -- --preset centered-u8

echo "5: given parameters, zero point before rounding"
example 3ccccccd 3ca7ef9e bbd1b717 bd81d7dc 3d5c5d64 3ca7ef9e 3c22339c 3d037b4a bcf765fe bd913405 -- \
    --preset onnx --scale 0.0004889321179676555 --zero-point 145 --zero-point-order before
# The same without naming a preset: all codes of u8 are used, since the zero point is not the preset's.
example 3ccccccd 3ca7ef9e bbd1b717 bd81d7dc 3d5c5d64 3ca7ef9e 3c22339c 3d037b4a bcf765fe bd913405 -- \
    --dtype u8 --scale 0.0004889321179676555 --zero-point 145 --zero-point-order before

echo "9: ONNX"
example 00000000 40000000 c0400000 c0200000 3fab851f 3f000000 -- --preset onnx
example c2fe0000 43000000 3f000000 -- --preset onnx

