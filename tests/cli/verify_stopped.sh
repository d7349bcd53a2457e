# SPDX-License-Identifier: Apache-2.0
# Ctrl-Z while a device is verified, for longer than --timeout: the time in which all stands still is no silence of the
# driver.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
command -v setsid >/dev/null || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=slow-build=2 \
    setsid "$CLQUANT" verify --device 0:0 --quick --seed 5 --only probe-integer/add --timeout 6 >text 2>messages &
process=$!
sleep 1
kill -STOP -$process
sleep 7
kill -CONT -$process
code=0
wait $process || code=$?
echo "exit code $code"
sed -n 's/^[0-9]* cases in .* s: //p' text
