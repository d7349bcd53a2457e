# SPDX-License-Identifier: Apache-2.0
# However a tensor is cut to fit the memory, its ranges are the same, for every granularity and axis.
set -e
"$CLQUANT" sample transformer-block -o x.safetensors --quiet
for arguments in '' '--granularity channel' '--granularity channel --axis 1' '--granularity group' \
    '--granularity group --group-size 100' '--granularity group --group-size 1000000' \
    '--granularity group --axis 0 --group-size 100'; do
    # shellcheck disable=SC2086
    "$CLQUANT" minmax x.safetensors --json $arguments 2>/dev/null >whole
    # shellcheck disable=SC2086
    "$CLQUANT" minmax x.safetensors --json --memory 1M $arguments 2>/dev/null | cmp - whole
    # shellcheck disable=SC2086
    "$CLQUANT" minmax x.safetensors --json --device reference $arguments 2>/dev/null | grep -v '"device"' >reference
    grep -v '"device"' whole | cmp - reference
    if grep -q -e '^ *null' -e '\[null' whole; then
        exit 1
    fi
done
