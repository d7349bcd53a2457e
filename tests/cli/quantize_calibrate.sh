# SPDX-License-Identifier: Apache-2.0
# quantize --calibrate on a whole model: the same file on the device and the reference and with little memory, for
# schemes with and without a zero point that follows from the data.
set -e
. "$CLQ_TEST_FOLDER/tensors.inc"
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet
for method in percentile:99.9 mse entropy; do
    for scheme in '--granularity tensor' '--granularity tensor --preset onnx' '--exclude *.[1-9].* --exclude *.1[0-9].* --preset tflite'; do
        [ "$scheme" != '--exclude *.[1-9].* --exclude *.1[0-9].* --preset tflite' ] || [ $method != entropy ] || continue
        set -f
        # shellcheck disable=SC2086
        "$CLQUANT" quantize m.safetensors -o a.safetensors --calibrate $method $scheme --force --quiet
        # shellcheck disable=SC2086
        "$CLQUANT" quantize m.safetensors -o b.safetensors --calibrate $method $scheme --force --quiet \
            --device reference --memory 64M
        set +f
        cmp a.safetensors b.safetensors
    done
done
# The error of the whole tensor is what mse makes small: it is not worse than with the full range.
"$CLQUANT" quantize m.safetensors -o a.safetensors --granularity tensor --dtype s4 --force --quiet --json >minmax.json
"$CLQUANT" quantize m.safetensors -o b.safetensors --granularity tensor --dtype s4 --force --quiet --json --calibrate mse >mse.json
members minmax.json sqnr_db | tr -dc '0-9.\n' >1
members mse.json sqnr_db | tr -dc '0-9.\n' >2
paste 1 2 | awk '{ n++; better += $2 > $1; worse += $2 < $1 - 0.2 } END { print (n > 50), (better > n / 2), (worse == 0) }'
members minmax.json min max clipped | sed 's/"clipped": .*//' | grep . >1
members mse.json min max clipped | sed 's/"clipped": .*//' | grep . >2
cmp 1 2
