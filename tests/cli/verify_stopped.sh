# SPDX-License-Identifier: Apache-2.0
# Ctrl-Z while a device is verified, for longer than --timeout: the time in which all stands still is no silence of the
# driver.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
command -v setsid >/dev/null || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
OPENCL_LAYERS=$CLQ_ZOO_LAYER
CLQ_ZOO=hold-build=$PWD/hold
export OPENCL_LAYERS CLQ_ZOO
set -- verify --device 0:0 --quick --seed 5 --only probe-integer/add
# What is compiled here takes no time below, where a busy machine has ten seconds for the rest.
"$CLQUANT" "$@" >/dev/null 2>&1
: >hold
setsid "$CLQUANT" "$@" --timeout 10 >text 2>messages &
process=$!
await [ -s hold ]
kill -STOP -$process
sleep 11 # longer than the driver is given
kill -CONT -$process
rm hold
code=0
wait $process || code=$?
echo "exit code $code"
sed -n 's/^[0-9]* cases in .* s: //p' text
