# SPDX-License-Identifier: Apache-2.0
# --plot never writes over an input, an output or a file of another kind, through whatever link or folder; what cannot be
# written is told before the work and not after it. A gate far off is drawn too, and keeps its exit code.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
f32 3f800000 40100000 3f800000 40000000 >data
mkdir model folder.svg
safetensors '{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' <data >model/model.safetensors
echo '{}' >model/config.json
cp model/model.safetensors a.safetensors

echo "-- links"
ln -s model/model.safetensors weights.svg
ln -s model/config.json config.svg
ln model/model.safetensors same.svg
ln -s out.safetensors out.svg
for picture in weights config same out; do
    refused quantize model -o out --plot $picture.svg
    refused compare model a.safetensors --plot $picture.svg
done
refused quantize a.safetensors -o out.safetensors --plot out.svg
cmp model/model.safetensors a.safetensors
cat model/config.json

echo "-- before the work"
mkfifo pipe.svg
refused quantize a.safetensors -o q.safetensors --plot nowhere/q.svg
refused quantize a.safetensors -o q.safetensors --plot folder.svg
refused quantize a.safetensors -o q.safetensors --plot pipe.svg
refused quantize a.safetensors -o q.safetensors --emit-config folder.svg --plot ./folder.svg
ln -s config.json link.json
refused quantize a.safetensors -o q.safetensors --emit-config link.json
ls

echo "-- in the folder that is made"
"$CLQUANT" quantize model -o made --plot made/q.svg --quiet
ls made
"$CLQUANT" compare model/ made/ --plot made/c.svg --quiet
grep -o '<title>SQNR by.*</title>' made/c.svg

echo "-- gates"
refused quantize a.safetensors -o q.safetensors --quiet --fail-sqnr-below 1e300 --plot high.svg
refused quantize a.safetensors -o q.safetensors --quiet --fail-sqnr-below=-1e300 --plot low.svg
tail -n 1 high.svg
tail -n 1 low.svg
