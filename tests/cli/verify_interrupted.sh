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

echo "-- several processes at work: one count, that of the report"
past() { # SECONDS, of the clock
    [ "$(date +%s)" -ge "$1" ]
}
"$CLQUANT" verify --device native --full --seed 1 --json >json 2>messages &
process=$!
await past $(($(date +%s) + 3))
kill -s INT $process
wait $process 2>/dev/null
echo "exit code $?"
counted=$(sed -n 's/^      "cases": \([0-9]*\),$/\1/p' json)
planned=$(sed -n 's/^      "planned": \([0-9]*\),$/\1/p' json)
[ "$counted" -gt 0 ] || echo "no case has ended"
grep -q "^      \"error\": \"interrupted after $counted of $planned cases\",\$" json || grep '"error"' json
[ "$counted" = "$(grep -c '^          "verdict"' json)" ] || echo "not $counted results"
