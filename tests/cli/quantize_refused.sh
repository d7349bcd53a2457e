# SPDX-License-Identifier: Apache-2.0
# What quantize refuses, before it writes anything.
. "$CLQ_TEST_FOLDER/tensors.inc"
f32 3f800000 c0000000 40400000 | npy '<f4' '3,' >x.npy
cp x.npy kept.npy
ln x.npy hard.npy
ln -s x.npy soft.npy
mkdir folder
echo old >old.safetensors

echo "-- the output is the input"
for out in x.npy ./x.npy hard.npy soft.npy; do
    cp "$out" before
    # The name must not be that of an array, so the links are named like models.
    ln -sf "$out" link.safetensors
    refused quantize x.npy -o link.safetensors --force
    cmp x.npy kept.npy
done
ln x.npy hard.safetensors
refused quantize x.npy -o hard.safetensors --force
rm -f link.safetensors hard.safetensors before

echo "-- places"
refused quantize x.npy -o nowhere/q.safetensors
refused quantize x.npy -o old.safetensors
refused quantize x.npy -o folder --force
refused quantize x.npy
refused quantize x.npy -o q.npy
refused quantize nowhere.npy -o q.safetensors
refused quantize x.npy -o q.safetensors --device nonesuch | sed 's/there are: .*/there are: .../'

echo "-- bad files"
head -c 130 x.npy >short.npy
refused quantize short.npy -o q.safetensors
f32 3f800000 | safetensors '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' >short.safetensors
refused quantize short.safetensors -o q.safetensors

echo "-- parameters"
f32 3f800000 40000000 | npy '<f4' '2,' >two.npy
refused quantize x.npy -o q.safetensors --zero-point 3
refused quantize x.npy -o q.safetensors --scale 1 --range 0:1
refused quantize x.npy -o q.safetensors --scale 0
refused quantize x.npy -o q.safetensors --scale 1e-40
refused quantize x.npy -o q.safetensors --scale two.npy
refused quantize x.npy -o q.safetensors --scale nowhere.npy
refused quantize x.npy -o q.safetensors --scale 1 --zero-point two.npy
# What is no number and names no file is a slip; what is called like a file is missed.
for text in nan -inf 0.1x 1e400 abc 1,5 folder/s two; do
    refused quantize x.npy -o q.safetensors --scale "$text"
done
for text in 3000000000 -2147483649 0.5 2.0 1e400 1e2 nan abc nowhere/z; do
    refused quantize x.npy -o q.safetensors --scale 1 --zero-point "$text"
done
cp two.npy 0.25x
"$CLQUANT" quantize x.npy -o q.safetensors --scale 0.25x --granularity group --group-size 2 --quiet && rm q.safetensors 0.25x
refused quantize x.npy -o q.safetensors --axis 1 --granularity channel
refused quantize x.npy -o q.safetensors --preset snpe --dtype s8

echo "-- what is read beside the model"
mkdir read
f32 3f800000 40000000 | npy '<f4' '2,' >read/s.npy
f32 3f800000 40000000 3f800000 40000000 | safetensors '{"m.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >read/m.safetensors
"$CLQUANT" calibrate read/m.safetensors -o read/r.json --quiet
cp read/r.json read/r.svg
echo '{"model_type":"llama"}' >read/config.json
cp -r read read_before
ln -s read/s.npy scales.safetensors
ln -s "$PWD/read/r.svg" ranges.svg
refused quantize read/m.safetensors -o scales.safetensors --force --scale read/s.npy
refused quantize read/m.safetensors -o scales.safetensors --force --scale 1 --zero-point read/s.npy
refused quantize read/m.safetensors -o read/r.json --force --format clquant --ranges read/r.json
refused quantize read/m.safetensors -o q.safetensors --emit-config read/r.json --force --ranges read/r.json
refused quantize read/m.safetensors -o q.safetensors --emit-config read/s.npy --force --scale read/s.npy
mkdir model
cp read/m.safetensors model/model.safetensors
cp read/config.json model
refused quantize model -o model_q --emit-config model/config.json --force
cmp read/config.json model/config.json
# In a folder that is replaced, under the name of a file that goes with the model.
mkdir model_q
cp read/r.json model_q/tokenizer.json
echo '{}' >model/tokenizer.json
refused quantize model -o model_q --force --ranges model_q/tokenizer.json
cmp read/r.json model_q/tokenizer.json
rm -r model_q
refused quantize read/m.safetensors -o q.safetensors --plot ranges.svg --ranges read/r.svg
diff -r read read_before
rm -r read read_before model scales.safetensors ranges.svg

echo "-- names that are taken"
f32 3f800000 40000000 3f800000 | safetensors '{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"w_scale":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' >taken.safetensors
refused quantize taken.safetensors -o q.safetensors
ls -A
