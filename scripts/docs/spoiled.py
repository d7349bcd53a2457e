# SPDX-License-Identifier: Apache-2.0
"""Pages with one fault each, of every kind that the check is for: each must be found, and nothing in the page without."""
import sys
import tempfile
from pathlib import Path

from check import Parts

FINE = """# A page

<!-- given: m.npy -->
```sh
clquant quantize m.npy -o q.safetensors && test -s q.safetensors
clquant compare m.npy q.safetensors --fail-sqnr-below 99 # exit code 6
```

<!-- not run: takes minutes -->
```sh
clquant verify --quick --seed "$(date +%s)"
```

```sh
$ clquant multiplier 0.5 --max-shift 1
F = 0.5, ...
...
```

<!-- c body: clq_error e; -->
```c
clq_parameters p;
clq_choose_parameters(NULL, 0.0, 1.0, &p, &e);
```

<!-- c file: -->
```c
static int twice(int x) { return 2 * x; }
```

<!-- cpp from examples/engines/linear.hpp -->
```cpp
#include "engine.hpp"
```

`clq_gemm`, `CLQ_OK`, `--resume`, `CLQUANT_DEVICE`, exit code 3, host/core/error.c, files.inc, ROOT/docs/files.md.
[files](ROOT/docs/files.md#durability) [examples](ROOT/examples)

<!-- list: exit codes -->
`0` `1` `2` `3` `4` `5` `6` `7` `129` `130` `143`
"""

# What is replaced, by what, and what must be said of it.
FAULTS = [
    ("q.safetensors &&", "q.safetensors --force-it &&", "ended with 2"),
    ("-o q.safetensors &&", "-o nowhere/q.safetensors &&", "0 is required"),
    ("--fail-sqnr-below 99", "--fail-sqnr-below 9", "ended with 0, 6 is required"),
    ("verify --quick", "verify --quickly", "is refused"),
    ("not run: takes minutes", "not run:", "required is: not run: REASON"),
    ("not run: takes minutes", 'not run "clquant tune": takes minutes', "no line of the block begins"),
    ("not run: takes minutes", "not-run: takes minutes", "nobody reads"),
    ("F = 0.5", "F = 0.6", "prints"),
    ("```sh\n$ clquant multiplier 0.5 --max-shift 1\nF = 0.5, ...\n...\n```", "    clquant info m.npy",
     "a block that is not run"),
    ("0.0, 1.0, &p, &e", "0.0, 1.0, &p", "does not compile"),
    ("return 2 * x;", "return 2 * y;", "does not compile"),
    ("```c\nclq_parameters p;\nclq_choose_parameters(NULL, 0.0, 1.0, &p, &e);\n```", "    p.scale = 1.0f;",
     "a block that is not compiled"),
    ("<!-- c file: -->", "<!-- c from examples/own_queue.c -->", "differs from examples/own_queue.c"),
    ('"engine.hpp"', '"no_engine.hpp"', "differs from examples/engines/linear.hpp"),
    ("<!-- cpp from examples/engines/linear.hpp -->", "", "C++ that no test builds"),
    ("clq_gemm`", "clq_gem`", "clq_gem is nowhere"),
    ("CLQ_OK", "CLQ_FINE", "CLQ_FINE is nowhere"),
    ("CLQ_OK", "bench_lost", "bench_lost is nowhere"),
    ("`clq_gemm`", "# A page\n\n`clq_gemm`", "stands there twice"),
    ("--resume", "--continue", "no option of clquant"),
    ("CLQUANT_DEVICE", "CLQUANT_PLACE", "CLQUANT_PLACE is nowhere"),
    ("exit code 3,", "exit code 8,", "exit code 8 is none"),
    ("host/core/error.c", "host/cli/error.c", "there is no host/cli/error.c"),
    ("files.inc", "no_files.inc", "there is no no_files.inc"),
    ("#durability", "#endurance", "no such heading"),
    ("ROOT/examples", "ROOT/samples", "no such file"),
    ("`7` ", "", "not named: 7"),
    ("`7` ", "`7` `8` ", "not there: 8"),
    ("list: exit codes", "list: exits", "there is no such list"),
    ("given: m.npy", "given: m.dat", "its kind is none"),
]


def main(root, build):
    parts = Parts(root, build)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="clquant-docs.") as folder:
        for number, (old, new, wanted) in enumerate([("", "", None)] + FAULTS):
            path = f"{folder}/{number}.md"
            text = FINE.replace(old, new, 1)
            if wanted is not None and text == FINE:
                sys.exit(f"spoiled.py: the page has no '{old}'")
            Path(path).write_text(text.replace("ROOT", str(root)), encoding="utf-8")
            parts.problems.clear()
            try:
                parts.page(path)
            except ValueError as error:
                parts.report(path, str(error))
            found = any(wanted in problem for problem in parts.problems) if wanted else not parts.problems
            if not found:
                bad += 1
                print(f"'{old}' -> '{new}': required is '{wanted}'; found: {parts.problems}", file=sys.stderr)
        parts.problems.clear()
        parts.lists = ["verbs"]
        parts.whole()
        if not any("no page has the list of" in problem for problem in parts.problems):
            bad += 1
            print("lists that no page has are not missed", file=sys.stderr)
    print(f"docs: {len(FAULTS) + 1} faults of pages, {bad} not found")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
