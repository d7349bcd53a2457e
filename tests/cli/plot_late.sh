# SPDX-License-Identifier: Apache-2.0
# A picture that cannot be written after all (its folder is never made, the disk is full) is told, leaves nothing behind,
# and hides no exit code of the run.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE

# late ARGUMENT...: both lines of stderr.
late() {
    code=0
    "$CLQUANT" "$@" 2>said >/dev/null || code=$?
    echo "$1: $code"
    sed 's/ write [0-9]* bytes at .*/ write/;s/ (the whole file needs [^)]*)//' said
}
f32 3f800000 40100000 3f800000 40000000 >data
f32 3f800000 40000000 3f800000 40000000 >other
mkdir model pictures
for name in data other; do
    safetensors '{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' <$name >$name.safetensors
done
cat data other | safetensors '{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}' >one.safetensors
cat other data | safetensors '{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]}}' >two.safetensors
cp data.safetensors model/model.safetensors
echo '{}' >model/config.json

echo "-- the folder"
late quantize model -o made --fail-sqnr-below 1000 --plot made/q.svg
late quantize model -o made --plot made/inner/q.svg
ls made

echo "-- the disk"
(
    ulimit -f 1 || exit 77
    late compare data.safetensors other.safetensors --plot pictures/c.svg
    late compare data.safetensors other.safetensors --fail-sqnr-below 1000 --plot pictures/c.svg
    late compare one.safetensors two.safetensors --plot pictures/c.svg
    late calibrate data.safetensors -o r.json --plot pictures/r.svg
) | cat
ls -A pictures
grep -c "\"lo\"" r.json
