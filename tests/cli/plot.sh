# SPDX-License-Identifier: Apache-2.0
# --plot: a picture that is whole XML, with a point for each tensor, the worst ones named, and nothing that a name brings.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
"$CLQUANT" sample transformer-block -o m.safetensors --quiet || exit 1
"$CLQUANT" quantize m.safetensors -o q.safetensors --plot q.svg --quiet
"$CLQUANT" compare m.safetensors q.safetensors --plot c.svg --fail-sqnr-below 10 --quiet
tensors=$("$CLQUANT" compare m.safetensors q.safetensors --json | grep -c '"sqnr_db": [0-9]')
[ "$(grep -c '<circle' c.svg)" = "$tensors" ] || echo "$(grep -c '<circle' c.svg) points of $tensors"
grep -c 'class="gate"' c.svg
grep -c 'prefers-color-scheme:dark' c.svg
for picture in q.svg c.svg; do
    head -n 1 $picture | cut -c 1-40
    tail -n 1 $picture
    for tag in svg text title style circle; do
        [ "$(grep -o "<$tag[ >]" $picture | wc -l)" -eq "$(grep -o "</$tag>" $picture | wc -l)" ] || echo "$picture: $tag"
    done
done
# The worst, as in the table.
COLUMNS=200 "$CLQUANT" compare m.safetensors q.safetensors | sed -n 2,6p | awk '{ print $2, $1 }' >table
sed -n 's/.*>[1-5]  \([0-9.]*\) dB  \(.*\)<.text>$/\1 \2/p' c.svg | cmp - table

echo "-- names"
{
    f32 3f800000 40000000 3f800000 40000000
} | safetensors '{"a<b>&\"\u001b[31m":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}' >a.safetensors
{
    f32 3f800000 40100000 3f800000 40000000
} | safetensors '{"a<b>&\"\u001b[31m":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}' >b.safetensors
"$CLQUANT" compare a.safetensors b.safetensors --plot n.svg --quiet
grep '^<text.*1  ' n.svg
"$CLQUANT" compare a.safetensors a.safetensors --plot e.svg --quiet
grep -c 'exact' e.svg

echo "-- refused"
refused compare a.safetensors b.safetensors --plot n.png
refused compare a.safetensors b.safetensors --plot nowhere/n.svg --quiet
refused quantize m.safetensors -o d.safetensors --dry-run --plot d.svg
refused info a.safetensors --plot n.svg
refused quantize m.safetensors -o same.svg --plot ./same.svg
for kept in c.svg q.svg; do
    cp $kept before
    refused compare a.safetensors b.safetensors --plot $kept
    refused quantize m.safetensors -o d.safetensors --plot $kept
    refused calibrate a.safetensors -o r.json --plot $kept
    cmp $kept before
done
rm before
"$CLQUANT" compare a.safetensors b.safetensors --plot c.svg --quiet --force && cmp c.svg n.svg
"$CLQUANT" quantize m.safetensors -o d.safetensors --plot c.svg --quiet --force && cmp c.svg q.svg
rm d.safetensors
cp a.safetensors in.svg
refused compare in.svg b.safetensors --plot in.svg
ls
