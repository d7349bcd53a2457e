# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/check-docs.sh, and their summary. Each part's file tells what a page may say to it."""
import sys
from pathlib import Path

import lists
from commands import Runner
from fragments import Compiler
from names import Names
from pages import Page, tracked

HISTORY = ("CHANGELOG.md", "docs/measured/")  # names there may be of what is gone
WORDS = ("given:", "not run", "not commands", "c body:", "c file:", "c from ", "python from ", "list:", "note:")
LISTS = {"verbs", "exit codes", "environment", "presets", "cmake options", "sized structs", "statuses"}  # in some page


def main(root, build, only):
    problems = []

    def report(where, what):
        problems.append(f"{where}: {what}")

    clquant = (build / "host/clquant").resolve()
    if not clquant.exists() or not (build / "compile_commands.json").exists():
        sys.exit(f"check-docs.sh: {build} is no build folder with the command and its tests")
    files = tracked(root)
    paths = [path for path in files if path.endswith(".md")]
    program = lists.Program(root, clquant)
    names = Names(root, files, program, report)
    compiler = Compiler(root, build, report)
    runner = Runner(root, clquant, report)
    shown, list_count = set(), 0
    for path in paths:
        if only and path not in only:
            continue
        page = Page(root, path)
        for number, text in page.comments:
            if not text.startswith(WORDS):
                report(f"{path}:{number}", f"a comment that nobody reads: it begins with none of {', '.join(WORDS)}")
        names.links(page)
        if path.startswith(HISTORY):
            continue
        names.names(page)
        names.options(page)
        compiler.page(page)
        runner.page(page)
        list_count += lists.check(page, program, report)
        shown |= {text[5:].strip() for _, text in page.comments if text.startswith("list:")}
    runner.manual(program.manual)
    if not only and LISTS - shown:
        report("docs", f"no page has the list of {', '.join(sorted(LISTS - shown))}")
    for where, text, reason in runner.left_out:
        print(f"not run  {where}: {text.split('  ')[0]}    ({reason})")
    print(f"docs: {runner.ran} commands run, {len(runner.left_out)} not run ({runner.parsed} calls in them and in the manual page parsed), "
          f"{compiler.compiled} C blocks compiled or compared, {list_count} lists, {names.checked} names and links")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), set(sys.argv[3:])))
