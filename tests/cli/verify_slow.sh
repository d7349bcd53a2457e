# SPDX-License-Identifier: Apache-2.0
# A compiler that does not come back (tests/zoo, the habit `hold-build`): verify ends when its time is up, and names all
# that it did not reach, in every report; nothing of it is ok (but tensors without elements, which need no kernel), and
# the exit code is not 0.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
: >hold
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="hold-build=$PWD/hold" "$CLQUANT" verify --quick --seed 5 --device 0:0 \
    --only 'm*-*range/*' --budget 1 --report report.xml >text 2>messages
echo "exit code $?"
sed 's/ [0-9.]* s:/ S s:/; s/ *[0-9.]*  incomplete/ S incomplete/; s/for [0-9]* s$/for S s/; s/[1-9][0-9]* s were/N s were/; /^0:0/d
    s/\([^:]\) [1-9][0-9][0-9]*/\1 N/g; s/with .-D.*., for/with OPTIONS, for/; s/^[1-9][0-9]* cases/N cases/' text
said messages | sed 's/^\(clquant: \).*: [0-9]* of [0-9]* /\1DEVICE: N of N /' | grep -v 'takes more than'
[ "$(grep -c '<testcase' report.xml)" -gt 10 ] || echo "report.xml: few cases"
[ "$(grep -c '<skipped message="not reached: 1 s were over (--budget)' report.xml)" = \
    "$(($(grep -c '<testcase' report.xml) - $(grep -c '"/>$' report.xml)))" ] || echo "report.xml: not all are skipped"
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="hold-build=$PWD/hold" "$CLQUANT" verify --quick --seed 5 --device 0:0 \
    --only 'merge-range/*' --budget 1 --report report.html --json 2>/dev/null >json
echo "exit code $?"
grep -E '^ *"(budget|ok|differ|failed|complete|exit_code)"|"(status|verdict)"' json | sort -u
of() { # KEY: its number, the same for the operation and the device
    sed -n 's/^ *"'"$1"'": \([0-9]*\).*/\1/p' json | sort -u
}
[ "$(of not_reached)" = "$(($(of planned) - $(of ok)))" ] || echo "json: what is not ok is not told as not reached"
grep -c 'cases were not reached in the time' report.html
rm hold
