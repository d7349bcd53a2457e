# SPDX-License-Identifier: Apache-2.0
"""Compiles the ```c blocks of a page, without making code.

Blocks without a comment are one program, in their order. `<!-- c body: PRELUDE -->` before a block: it stands in a
function, behind the declarations of PRELUDE, whose #include lines go above. `<!-- c file: PRELUDE -->`: it is a file of
its own, behind PRELUDE. `<!-- c from FILE -->`: it is a part of FILE, letter by letter, which a test builds; `<!-- python
from FILE -->` before a ```python block likewise. Other Python is parsed. A ```cpp block is always a part of a file:
`<!-- cpp from FILE -->`.
"""
import ast
import json
import re
import shlex
import subprocess
import textwrap

COMMON = "#include <stdio.h>\n#include <stdlib.h>\n#include <clquant/clquant.h>\n"
QUIET = ["-Werror", "-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-but-set-variable",
         "-Wno-missing-prototypes", "-Wno-uninitialized", "-Wno-maybe-uninitialized"]


def flags_of(build, source):
    """How `source` is compiled in that build, without input and output."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith(source):
            words = shlex.split(entry["command"])
            while re.search(r"(^|/)(ccache|sccache|distcc)$", words[0]):
                words.pop(0)
            cut = words.index("-o")
            return entry["directory"], [word for word in words[:cut] + words[cut + 2:]
                                        if word != "-c" and word != entry["file"]]
    raise ValueError(f"{build}/compile_commands.json has no {source}: were the tests built?")


class Compiler:
    def __init__(self, root, build, report):
        self.root, self.report = root, report
        self.compiled = 0
        self.public = flags_of(build, "examples/quantize_file.c")
        self.inside = flags_of(build, "tests/test_minmax.c")

    def page(self, page):
        program = ""
        for block in page.blocks:
            if block.language == "indented":
                for index, line in enumerate(block.lines):
                    if re.search(r"^\s*[\w>.*()\[\]-]+(\(.*\)|\s=\s.*);(\s*/\*.*)?$", line):
                        self.report(block.at(index), "C stands in a block that is not compiled: make it ```c")
                        break
            if block.language == "python":
                self._python(block)
            if block.language == "cpp":
                self._cpp(block)
            if block.language != "c":
                continue
            text = "\n".join(block.lines) + "\n"
            located = f'#line {block.number} "{page.path}"\n'
            marks = [mark for word in ("c body:", "c file:", "c from") for mark in
                     [(word, rest) for rest in block.marks(word.rstrip(":")) if word != "c from" or rest]]
            if not marks:
                program += located + text
                continue
            word, rest = marks[0]
            rest = rest.lstrip(":").strip() + "\n"
            if word == "c from":
                self._from(block, text, rest.strip())
            elif word == "c file:":
                self._compile(block, COMMON + rest + located + text)
            else:
                includes = "".join(line + "\n" for line in rest.split("\n") if line.startswith("#"))
                rest = "".join(line + "\n" for line in rest.split("\n") if not line.startswith("#"))
                self._compile(block, f"{COMMON}{includes}void shown(void);\nvoid shown(void)\n{{\n{rest}{located}{text}}}\n")
        if program:
            self._compile(next(block for block in page.blocks if block.language == "c"), program)

    def _python(self, block):
        text = "\n".join(block.lines) + "\n"
        source = [rest[4:].strip() for rest in block.marks("python") if rest.startswith("from")]
        if source:
            self._from(block, text, source[0])
            return
        self.compiled += 1
        try:
            ast.parse(text)
        except SyntaxError as error:
            self.report(block.at((error.lineno or 1) - 1), f"is no Python: {error.msg}")

    def _cpp(self, block):
        source = [rest[4:].strip() for rest in block.marks("cpp") if rest.startswith("from")]
        if source:
            self._from(block, "\n".join(block.lines) + "\n", source[0])
        else:
            self.report(block.at(), "C++ that no test builds: required is <!-- cpp from FILE -->")

    def _from(self, block, text, name):
        path = self.root / name
        self.compiled += 1
        if not path.exists():
            self.report(block.at(), f"there is no {name}")
        elif not any(textwrap.indent(textwrap.dedent(text), depth * "    ", lambda line: line.strip())
                     in path.read_text() for depth in range(3)):
            self.report(block.at(), f"differs from {name}")

    def _compile(self, block, text):
        directory, flags = self.inside if '#include "' in text else self.public
        self.compiled += 1
        done = subprocess.run(flags + QUIET + ["-fsyntax-only", "-x", "c", "-"], cwd=directory, input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.report(block.at(), f"does not compile: {done.stderr.strip()[:1500]}")
