# SPDX-License-Identifier: Apache-2.0
# A compiler that takes no kernel (tests/zoo, the habit `mutate`): its words are in every report, the whole log once for
# each program, and what hundreds of cases fail for is told once, with their number.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
printf '\t#error takes <nothing>\\n\n' >fault
refuses() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mutate=$PWD/fault" "$CLQUANT" verify --quick --budget 9999 --device 0:0 --seed 5 \
        --only 'dequantize/strip/f32-u16/*' "$@" 2>>messages
}
refuses --report report.xml >text
echo "exit code $?"
sed -n '/^FAILED/,$p' text | sed "s/options '.*'/options/; s/error: .*<kernel>:[0-9]*:[0-9]*: /error: /; s/ in [0-9.]* s/ in S s/; s/^FAILED .*/FAILED .../; s/\(^\| \)[1-9][0-9]* /\1N /g"
refuses --report report.html >text
refuses --json >report.json
# told FILE PATTERN...: whether each of them is in the file once.
told() {
    file=$1
    shift
    for pattern in "$@"; do
        [ "$(grep -c "$pattern" "$file")" = 1 ] || echo "$file: '$pattern' $(grep -c "$pattern" "$file") times"
    done
}
told report.json '"build_log": ".*error: .*takes <nothing>'
told report.html '^<pre>.*error: .*takes &lt;nothing&gt;'
told report.xml '^\(.*>\)*error: [^"]*takes &lt;nothing&gt;$'
[ "$(grep -c '"reason": ".*CL_BUILD_PROGRAM_FAILURE (-11): .*takes <nothing>"' report.json)" -gt 3 ] || echo "report.json: no word of the compiler"
first=$(sed -n 's/^FAILED //p' text)
told report.xml '<error message=".*CL_BUILD_PROGRAM_FAILURE (-11): .*takes &lt;nothing&gt;"'
[ "$(grep -c "<error message=\"as $first\"" report.xml)" -gt 3 ] || echo "report.xml: the others do not name the first"
told report.html 'CL_BUILD_PROGRAM_FAILURE (-11): .*takes &lt;nothing&gt;' ' more cases failed for this reason:'
[ "$(grep -c '^<li><code>dequantize/strip/f32-u16/.*</code></li>$' report.html)" -gt 3 ] || echo "report.html: the others are not named"
