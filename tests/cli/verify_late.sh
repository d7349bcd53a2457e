# SPDX-License-Identifier: Apache-2.0
# Of a quarter of a million cases a second reaches few: the others are named at once, each of them once.
"$CLQUANT" verify --device native --full --seed 5 --budget 1 --json >json 2>messages
echo "exit code $?"
of() { # KEY: of the device
    sed -n 's/^      "'"$1"'": \([0-9]*\).*/\1/p' json
}
[ "$(of planned)" -gt 100000 ] || echo "few cases"
[ "$(of cases)" = "$(of planned)" ] || echo "$(of cases) of $(of planned) cases are told"
[ "$(of not_reached)" -gt 50000 ] || echo "all was reached: $(of not_reached)"
[ "$(grep -c '"reason": "not reached: 1 s were over (--budget)' json)" = "$(of not_reached)" ] || echo "another reason"
grep '^          "name": "gemm/' json | sort | uniq -d | sed 3q
# A second for all of them, where a machine is idle; minutes where each has to find its place among all others.
[ "$(of seconds)" -lt 30 ] || echo "it took $(of seconds) s"
