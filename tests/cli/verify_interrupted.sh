# SPDX-License-Identifier: Apache-2.0
# Interrupted while kernels are compiled: exit code 130 within seconds, one whole JSON object, the report too.
"$CLQUANT" devices --json | grep -q '"spec": "[0-9]*:[0-9]*"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
mkdir -m 700 cache
POCL_CACHE_DIR=$PWD/cache
export POCL_CACHE_DIR
"$CLQUANT" verify --seed 1 --json --report report.json >json 2>messages &
process=$!
await files cache 1 # the compiler's, which shows that the work has begun
kill -s INT $process
wait $process 2>/dev/null
echo "exit code $?"
for file in json report.json; do
    echo "$file: $(grep -c '^{$' $file) $(grep -c '^}$' $file) $(grep -o '"complete": [a-z]*' $file) $(grep -o '"exit_code": [0-9]*' $file)"
done
await rm -rf cache # a linker that the compiler started may still write there
ls -A
