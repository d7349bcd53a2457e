# SPDX-License-Identifier: Apache-2.0
# Small parts of verify: text, JSON and the three reports, each whole in its own way; what is refused.
"$CLQUANT" devices --json | grep -q '"spec": "[0-9]*:[0-9]*"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"

echo "-- text"
"$CLQUANT" verify --only 'probe-integer/*' --seed 7 2>messages >text
echo "exit code $?, messages: $(said messages | grep -c '^clquant')"
sed -n 's/\(seed 7\)/\1/p' text
sed -n 's/^\(probe-integer  *[0-9]*  *[0-9]*  *[0-9]*  *[0-9]*  *[0-9]*\)  *[0-9.]*\(  *[a-z]*\)$/\1\2/p' text | tr -s ' '

echo "-- JSON"
"$CLQUANT" verify --only 'probe-integer/add*' --seed 7 --json 2>/dev/null >json
echo "exit code $?"
grep -c '^{$' json
grep -c '^}$' json
grep -o '"\(extent\|seed\|only\|complete\|exit_code\|verdict\)": [^,]*' json | sort | uniq -c | sed 's/^ *//'
grep '"name": "probe' json | sort

echo "-- reports"
for form in json xml html; do
    "$CLQUANT" verify --only 'probe-integer/add*' --seed 7 --report report.$form >/dev/null 2>&1
    echo "$form: exit code $?"
done
sed -e 's/"seconds": .*//' report.json >one
sed -e 's/"seconds": .*//' json | cmp - one
sed -n 1p report.xml
for tag in testsuites testsuite; do
    [ "$(grep -c "<$tag[ >]" report.xml)" -eq "$(grep -c "</$tag>" report.xml)" ] || echo "xml: $tag"
done
grep -c '<testcase .* time="[0-9.]*"/>$' report.xml
grep -c 'tests="3" failures="0" errors="0" skipped="0"' report.xml
sed -n 1p report.html
tail -n 1 report.html
grep -c 'src=\|href=\|<script' report.html
for tag in table section h2 details code; do
    [ "$(grep -o "<$tag[ >]" report.html | wc -l)" -eq "$(grep -o "</$tag>" report.html | wc -l)" ] || echo "html: $tag"
done

echo "-- the same inputs for the same seed, a seed of its own without one"
"$CLQUANT" verify --only 'probe-integer/add' --json 2>/dev/null | grep '"seed"' >first
"$CLQUANT" verify --only 'probe-integer/add' --json 2>/dev/null | grep '"seed"' >second
cmp -s first second && echo "two runs have one seed"
"$CLQUANT" verify --device all --only 'probe-integer/add' >/dev/null 2>&1
echo "all devices: $?"

refused() {
    code=0
    "$CLQUANT" verify "$@" >/dev/null 2>messages || code=$?
    echo "$*: $code: $(sed -n 's/^clquant: //p' messages | tail -n 1)"
}
echo "-- native is asked nothing about OpenCL"
"$CLQUANT" verify --device native --only 'probe-integer/add' --verbose 2>&1 | sed -n '/^skipped/p'

echo "-- refused"
refused --device reference
refused --only 'nothing/*'
refused --quick --full
refused --timeout 0
refused --report report.txt
refused --only 'probe-integer/add' --report nowhere/report.xml
refused --only 'probe-integer/add' --reproduce nowhere/faults
ls -A

echo "-- where nothing can be judged, why"
"$CLQUANT" verify --device native --quick --only 'probe-*' | sed -n 's/^skipped //p'
