# SPDX-License-Identifier: Apache-2.0
# What --force replaces keeps its permissions, whichever verb writes it; what is new has those of the umask.
. "$CLQ_TEST_FOLDER/files.inc"
umask 022
mkdir in
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
printf '\001\002\003\004' | npy '|i1' '2, 2' >a.npy
f32 3f800000 c0000000 40400000 40800000 |
    safetensors '{"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >in/model.safetensors
written() {
    "$CLQUANT" quantize x.npy -o q.safetensors --plot p.svg "$@" &&
        "$CLQUANT" quantize in/model.safetensors -o m.safetensors --emit-config m.json "$@" &&
        "$CLQUANT" quantize in/model.safetensors -o s.safetensors.index.json --format clquant "$@" &&
        "$CLQUANT" quantize in -o out "$@" &&
        "$CLQUANT" dequantize q.safetensors -o d.npy "$@" &&
        "$CLQUANT" calibrate x.npy -o r.json "$@" &&
        "$CLQUANT" gemm a.npy a.npy -o c.npy "$@" &&
        "$CLQUANT" sample transformer-block -o t.safetensors "$@"
}
shown() {
    find . -type f ! -path './in/*' ! -name '?.npy' -o -name '[cd].npy' | sort | xargs ls -l | cut -c1-10 | sort | uniq -c
}
echo "-- new"
written -q 2>&1
shown
echo "-- replaced"
find . -type f | xargs chmod 600
chmod 640 in/model.safetensors
echo '{"hidden": 2}' >out/config.json
written -q --force 2>&1
shown
echo "-- a link is followed: the file that it leads to keeps them"
ln -s q.safetensors link.safetensors
"$CLQUANT" quantize x.npy -o link.safetensors -q --force 2>&1
ls -l q.safetensors | cut -c1-10
ls -A | sed -n '/^[.]/p'
