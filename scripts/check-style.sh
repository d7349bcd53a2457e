#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Formatting of C and kernels, trailing blanks, a newline at each file's end, ASCII in kernels, one way to the terminal, no sleep in tests.
set -eu
cd "$(dirname "$0")/.."
bad=0
c_files=$(git ls-files '*.c' '*.h' '*.cpp' '*.cl' '*.clh')
# shellcheck disable=SC2086 # names without spaces
clang-format --dry-run -Werror $c_files || bad=1
text_files=$(git ls-files '*.c' '*.h' '*.cpp' '*.cl' '*.clh' '*.def' '*.sh' '*.md' '*.cmake' '*.txt' '.ci/run' | grep -v '^LICENSE$')
for file in $text_files; do
    if grep -n '[[:blank:]]$' "$file" >/dev/null; then
        echo "$file: trailing blanks in line $(grep -n '[[:blank:]]$' "$file" | head -n 1 | cut -d: -f1)" >&2
        bad=1
    fi
    if [ -s "$file" ] && [ "$(tail -c 1 "$file" | od -An -c | tr -d ' ')" != '\n' ]; then
        echo "$file: no newline at the end" >&2
        bad=1
    fi
done
if LC_ALL=C grep -n '[^ -~	]' kernels/*.cl kernels/*.clh kernels/instruction/*.clh kernels/*.def; then
    echo "kernels: only ASCII is portable" >&2
    bad=1
fi
# Text from files and drivers steers no terminal, since it gets there through cli_line and tables only; what progress.c,
# run.c and standard_output.c print is not such text.
if git grep -nE '(^|[^a-z_])(printf|puts|putchar)\(|f(printf|puts|putc|write)\(.*(stdout|stderr)' -- host/command ':!host/command/frame/progress.c' ':!host/command/frame/run.c' ':!host/command/frame/standard_output.c'; then
    echo "host/command: what people read is printed by cli_line, cli_message or a table" >&2
    bad=1
fi
# clFinish may return too early (host/opencl/runtime/context.c), and memory beyond the device's limit is refused by name. What
# verify/program/ is a part of are programs of their own, to which plain.c belongs.
if git grep -nE 'clFinish\b.*\(|CLQ_CL\(clFinish' -- host ':!host/opencl/runtime/context.c' ':!host/verify/program'; then
    echo "host: who waits for a queue calls clq_cl_queue_finish" >&2
    bad=1
fi
if git grep -n 'clCreateBuffer(' -- host ':!host/opencl/runtime/memory.c' ':!host/verify/program' ':!host/verify/reproduce_program.c' ':!host/verify/plain.c'; then
    echo "host: memory of the device is made by clq_cl_memory_create" >&2
    bad=1
fi
# No verdict depends on how fast the machine is (docs/testing.md, "Writing a case").
if git grep -nE '^[[:blank:]]*sleep [0-9.]+;?$' -- 'tests/*.sh'; then
    echo "tests: what is to have begun or ended is awaited; why time itself has to pass is said beside the sleep" >&2
    bad=1
fi
exit "$bad"
