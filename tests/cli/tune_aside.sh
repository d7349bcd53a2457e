# SPDX-License-Identifier: Apache-2.0
# A table that is kept may bring a kernel into use that this device refuses (tests/zoo, the habit `mutate`): the search
# says so and begins without it, and what it has not found anything for stays.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_CACHE_DIR=$PWD/cache
export CLQUANT_CACHE_DIR
"$CLQUANT" tune --export out.tuning --device 0:0 >/dev/null || echo "exit code $?"
grep -v '^\(minmax\.lanes\|checksum\)' out.tuning >kept
printf 'minmax.lanes 8\nchecksum none\n' >>kept
printf '\t#if VECTOR_WIDTH == 8\\n#error no\\n#endif\\n\n' >refused
OPENCL_LAYERS=$CLQ_ZOO_LAYER
CLQ_ZOO=mutate=$PWD/refused
export OPENCL_LAYERS CLQ_ZOO
"$CLQUANT" tune --import kept --device 0:0 >/dev/null || echo "exit code $?"
"$CLQUANT" tune --budget 600 --operation minmax --device 0:0 >text 2>messages &
process=$!
await grep -q 'no beginning for a search' messages
kill -s INT $process
code=0
wait $process 2>/dev/null || code=$?
echo "exit code $code"
said messages | grep 'no beginning for a search'
"$CLQUANT" tune --export again.tuning --device 0:0 >/dev/null || echo "exit code $?"
grep '^minmax.lanes' again.tuning
