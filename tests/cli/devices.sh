# SPDX-License-Identifier: Apache-2.0
# The reference is always listed, whatever else there is; exactly one device is the one of `auto`.
set -e
"$CLQUANT" devices >text
"$CLQUANT" devices --json >json
grep '^reference  reference  ' text | cut -d ' ' -f 1
grep -c '\[auto\]' text
grep -c '"auto": true' json
for operation in minmax quantize dequantize fake-quantize choose-parameters dynamic-quantize gemm; do
    [ "$(grep -c "\"operation\": \"$operation\"" json)" -ge 1 ]
    sed -n '/^reference /,$p' text | grep "^    $operation " | cut -c 1-40
done
# A device that is asked for is marked; one that is not there is exit 4.
"$CLQUANT" devices --device reference | grep -c '\[selected\]'
code=0
"$CLQUANT" devices --device nonsense 2>message || code=$?
echo "$code"
grep -c "no device matches 'nonsense'" message
# What the environment names is for other verbs: all devices are listed, with a warning where none is of that name.
for device in nonsense reference native,reference gpu:all; do
    CLQUANT_DEVICE=$device "$CLQUANT" devices >text 2>message && echo "$device: $(grep -c '^reference  reference  ' text)" \
        "$(grep -c '\[selected\]' text)" "$(sed 's/; there are: .*//' message)"
    CLQUANT_DEVICE=$device "$CLQUANT" devices --json 2>/dev/null | grep -c '"spec": "reference"'
done

# What native and the reference may take is the memory of the machine.
"$CLQUANT" devices | sed -n '/^native/,/^reference/s/^ *memory  *[0-9.]* [KMGT]iB, /memory: /p'
"$CLQUANT" devices --json | tr -d '\n' | sed 's/.*"spec": "native"//' | tr ',' '\n' |
    sed -n 's/.*_bytes": \([0-9]*\)$/\1/p' | sort -u | wc -l | tr -d ' '
