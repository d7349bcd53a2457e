# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/check-docs.sh, and their summary. Each part's file tells what a page may say to it."""
import sys
from pathlib import Path

import lists
import pictures
from commands import Runner
from fragments import Compiler
from names import Names
from pages import Page, tracked

HISTORY = ("CHANGELOG.md", "docs/measured/")  # names there may be of what is gone
WORDS = ("given:", "not run", "on a device", "not commands", "c body:", "c file:", "c from ", "cpp from ", "python from ", "list:", "note:")
LISTS = {"verbs", "exit codes", "environment", "presets", "cmake options", "sized structs", "statuses"}  # in some page


class Parts:
    """What looks at a page; `problems` is what was found."""

    def __init__(self, root, build):
        clquant = (build / "host/clquant").resolve()
        if not clquant.exists() or not (build / "compile_commands.json").exists():
            sys.exit(f"check-docs.sh: {build} is no build folder with the command and its tests")
        self.root, self.problems = root, []
        self.files = tracked(root)
        self.program = lists.Program(root, clquant)
        self.names = Names(root, self.files, self.program, self.report)
        self.compiler = Compiler(root, build, self.report)
        self.runner = Runner(root, clquant, self.report)
        self.lists = []

    def report(self, where, what):
        self.problems.append(f"{where}: {what}")

    def page(self, path):
        page = Page(self.root, path)
        for number, text in page.comments:
            if not text.startswith(WORDS):
                self.report(f"{path}:{number}", f"a comment that nobody reads: it begins with none of {', '.join(WORDS)}")
        self.names.links(page)
        if path.startswith(HISTORY):
            return
        self.names.names(page)
        self.names.options(page)
        self.compiler.page(page)
        self.runner.page(page)
        self.lists += lists.check(page, self.program, self.report)

    def whole(self):
        """What all pages together must have, and their pictures."""
        for path in self.files:
            if path.endswith(".svg"):
                pictures.check(self.root, path, self.report)
        self.runner.manual(self.program.manual)
        missing = LISTS - set(self.lists)
        if missing:
            self.report("docs", f"no page has the list of {', '.join(sorted(missing))}")


def main(root, build, only):
    parts = Parts(root, build)
    for path in parts.files:
        if path.endswith(".md") and (not only or path in only):
            parts.page(path)
    if not only:
        parts.whole()
    for where, text, reason in parts.runner.left_out:
        print(f"not run  {where}: {text.split('  ')[0]}    ({reason})")
    print(f"docs: {parts.runner.ran} commands run, {len(parts.runner.left_out)} not run ({parts.runner.parsed} calls in "
          f"them and in the manual page parsed), {parts.compiler.compiled} C blocks compiled or compared, "
          f"{len(parts.lists)} lists, {parts.names.checked} names and links")
    for problem in parts.problems:
        print(problem, file=sys.stderr)
    return 1 if parts.problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), set(sys.argv[3:])))
