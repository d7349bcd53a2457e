# SPDX-License-Identifier: Apache-2.0
# --dry-run writes nothing, and tells the size that the file will have to the byte.
. "$CLQ_TEST_FOLDER/tensors.inc"
"$CLQUANT" sample transformer-block -o m.safetensors --quiet
for arguments in '' '--preset affine' '--preset onnx --granularity tensor' '--dtype s4 --granularity group' \
    '--preset affine-u8 --granularity group --group-size 100' '--exclude *.mlp.* --min-rank 1'; do
    rm -f q.safetensors
    set -f
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o q.safetensors --dry-run --json $arguments >report.json || exit 1
    [ ! -e q.safetensors ] || echo "something was written"
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o q.safetensors --quiet $arguments || exit 1
    set +f
    size=$(wc -c <q.safetensors | tr -d ' ')
    planned=$(sed -n 's/^ *"bytes_out": \([0-9]*\),*/\1/p' report.json)
    [ "$size" = "$planned" ] || echo "$arguments: planned $planned bytes, wrote $size"
done
# A gate that nobody stands at.
"$CLQUANT" quantize m.safetensors -o q.safetensors --force --dry-run --fail-sqnr-below 999 --json 2>&1 >report.json
"$CLQUANT" quantize m.safetensors -o q.safetensors --force --dry-run --fail-sqnr-below 999 --quiet
ls -A
