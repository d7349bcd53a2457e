# SPDX-License-Identifier: Apache-2.0
# bench --quick is one screen: what was measured against what, and a summary in which nothing reads like a failure.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" bench minmax batch --rounds 1 --quick >screen 2>said || echo "exit code $?"
[ "$(wc -l <screen)" -le 24 ] || echo "$(wc -l <screen) lines"
awk 'NR > 1 && length($0) > 100 { print "wide: " $0 }' screen
sed -n 's/^\(device\): .* \(C on\) [0-9]* threads.*; median of 1 rounds$/\1, \2/p' screen
sed -n 's/^\(minmax\|batch\)  *\([a-z0-9-]*\) .*/\1 \2/p' screen
grep -c '^[0-9]* rows measured, all with the right result; --verbose shows each$' screen
grep -c '^[0-9]* of [0-9]* aims reached: ' screen
grep -c -i -e missed -e fail screen
said said
"$CLQUANT" bench batch --rounds 1 --quick --verbose 2>/dev/null | grep -c '^in .* of memory$'
"$CLQUANT" bench batch --rounds 1 --quick --json 2>/dev/null | grep -c '"operation"' >rows
[ "$(cat rows)" -gt 5 ] || cat rows
# It is quick on what is slow too: many calls of what takes long are left out.
"$CLQUANT" bench gemm --rounds 1 --quick --json --device reference >slow 2>/dev/null || echo "exit code $?"
grep -c '"problem": "s8"' slow | sed 's/^[1-9][0-9]*$/products/'
grep -c calls slow || true
