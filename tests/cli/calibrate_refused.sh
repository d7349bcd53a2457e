# SPDX-License-Identifier: Apache-2.0
# Inputs, outputs and files of ranges that cannot be used.
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/floats.inc"
echo 1 2 3 4 5 6 | floats | npy '<f4' '2, 3' >x.npy
echo 1 2 3 4 | floats | npy '<f4' '2, 2' >y.npy
f32 3f800000 7fc00000 ff800000 | npy '<f4' '3,' >bad.npy
printf '\001\002' | npy '|u1' '2,' >codes.npy
cp x.npy copy.npy
refused calibrate missing.npy -o r.json
refused calibrate x.npy -o x.npy --force
refused calibrate x.npy -o missing/r.json
: >there.json
refused calibrate x.npy -o there.json
refused calibrate codes.npy -o r.json
refused calibrate x.npy -o r.json --tensor y
refused calibrate x.npy codes.npy -o r.json --tensor codes
refused calibrate x.npy -o r.json --exclude '*'
refused calibrate x.npy -o r.json --granularity channel --axis 2 --tensor x
refused calibrate x.npy y.npy -o r.json --granularity channel --axis 1 --name t
refused calibrate bad.npy -o r.json
[ ! -e r.json ] || echo "r.json was written"
"$CLQUANT" calibrate bad.npy -o r.json --nonfinite ignore --quiet
members r.json nonfinite min max lo hi
echo "== memory"
head -c 400000 /dev/zero | npy '<f4' '10, 10000' >wide.npy
refused calibrate wide.npy -o r.json --force --granularity channel --axis 1 --method mse --memory 16M
refused quantize wide.npy -o q.safetensors --axis 1 --calibrate mse --memory 16M
head -c 400000 /dev/zero | npy '<f4' '1, 100000' >wider.npy
for options in '' '--method mean' '--histograms'; do
    # shellcheck disable=SC2086
    refused calibrate wider.npy -o r.json --force --granularity channel --axis 1 --memory 8M $options
done
"$CLQUANT" calibrate wider.npy -o wide.json --granularity channel --axis 1 --memory 10M --quiet
grep -c . wide.json
members wide.json lo | grep -o 0 | wc -l
rm wide.json
(ulimit -f 100; refused calibrate wider.npy -o wide.json --granularity channel --axis 1)
ls wide.json .wide.json* 2>/dev/null
refused quantize x.npy -o q.safetensors --granularity group --calibrate mse

echo "== files of ranges"
ranges() { # TEXT, for tensor x
    printf '%s' "$1" >r.json
    refused quantize x.npy -o q.safetensors --ranges r.json
}
ranges ''
ranges '[]'
ranges '{}'
ranges '{"tensors": []}'
ranges '{"clquant_ranges": 3, "tensors": []}'
ranges '{"clquant_ranges": 1.0, "tensors": []}'
ranges '{"clquant_ranges": 1}'
ranges '{"clquant_ranges": 1, "tensors": [], "tensors": []}'
ranges '{"clquant_ranges": 1, "tensors": {}}'
ranges '{"clquant_ranges": 1, "tensors": []} x'
ranges '{"clquant_ranges": 1, "tensors": []'
ranges '{"clquant_ranges": 1, "tensors": [{}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x"}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "", "granularity": "tensor", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x\u0000y", "granularity": "tensor", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "name": "y", "granularity": "tensor", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "group", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": 0}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": 2, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": null, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": 0, "hi": 1e39}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": [0, 0], "hi": [1, 1]}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": 0, "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "channel", "axis": 9, "lo": [0], "hi": [1]}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "lo": 0, "hi": 1}, {"name": "x", "granularity": "tensor", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "y", "granularity": "tensor", "lo": 0, "hi": 1}]}'
ranges '{"clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "channel", "axis": 1, "lo": [0], "hi": [1]}]}'
refused quantize x.npy -o q.safetensors --ranges missing.json
refused quantize x.npy -o q.safetensors --ranges .

echo "== and those that can"
"$CLQUANT" calibrate x.npy -o r.json --granularity channel --axis 1 --force --quiet
refused quantize x.npy -o q.safetensors --ranges r.json --granularity tensor
refused quantize x.npy -o q.safetensors --ranges r.json --axis 0
refused quantize x.npy -o q.safetensors --ranges r.json --range 0:1
refused quantize x.npy -o q.safetensors --ranges r.json --calibrate mse
"$CLQUANT" quantize x.npy -o q.safetensors --ranges r.json --quiet --json >report.json || echo "refused"
members report.json granularity axis scale
printf '%s' '{"later": {"x": [1, true]}, "clquant_ranges": 1, "tensors": [{"name": "x", "granularity": "tensor", "hi": 127, "lo": -1, "more": null}]}' >r.json
"$CLQUANT" quantize x.npy -o q.safetensors --ranges r.json --force --quiet --json >report.json || echo "refused"
members report.json granularity axis scale min max
