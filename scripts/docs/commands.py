# SPDX-License-Identifier: Apache-2.0
"""Runs the ```sh blocks of a page, block after block, in one scratch folder.

A line `... # exit code N` must end so, every other one with 0. Where lines begin with `$ `, what stands between them is
their output, stdout and stderr, in which `...` stands for anything. `<!-- not run: REASON -->` before a block leaves it
out, `<!-- not run "PREFIX": REASON -->` its lines that begin so; of these the calls of clquant are parsed all the same.
Commands compute on the reference, or on the device that CLQ_TEST_DEVICE names; behind `<!-- on a device -->` on an
OpenCL device, without one they are left out, unless CLQ_REQUIRE_DEVICE is 1.
"""
import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

import samples

LOOKS_LIKE_ONE = re.compile(r"^(\$ )?([A-Z_]+=\S+ )*(clquant(-bench)? [a-z]+(?! \d)|\./(demo|test)\.sh|cmake|ctest|scripts/|build/|bench/|tests/"
                            r"|\.ci/run|cc |pip|python|apt)\b")
LIMIT_SECONDS = 300


class Line:
    """A command, of several lines where they are continued."""

    def __init__(self, index, text):
        self.index, self.text, self.output = index, text, None
        code = re.search(r"# exit code (\d+)$", text)
        self.code = int(code.group(1)) if code else 0


def is_open(text):
    """Whether the next line belongs to this command."""
    heredoc = re.search(r"<<-?\s*'?(\w+)'?", text)
    if heredoc:
        return text.split("\n")[-1].strip() != heredoc.group(1)
    return text.endswith("\\") or text.endswith("&&") or text.endswith("|")


def commands_of(block):
    lines, current = [], None
    transcript = any(line.startswith("$ ") for line in block.lines)
    for index, text in enumerate(block.lines):
        if current is not None and is_open(current.text):
            current.text += "\n" + text
        elif transcript and not text.startswith("$ "):
            lines[-1].output.append(text)
        elif text.strip() and not text.lstrip().startswith("#"):
            current = Line(index, text[2:] if transcript else text)
            current.output = [] if transcript else None
            lines.append(current)
    return lines


def calls_of_clquant(text):
    """The simple commands in `text` that call clquant, as text."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars="();|&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found, words = [], []
    for token in list(lexer) + [";"]:
        if set(token) <= set("();|&"):
            while words and re.match(r"^\w+=", words[0]):
                words.pop(0)
            if words and words[0] == "clquant":
                found.append(" ".join(words))
            words = []
        else:
            words.append(token)
    return found


class Runner:
    def __init__(self, root, clquant, report):
        self.root, self.report = root, report
        self.ran, self.parsed = 0, 0
        self.left_out = []  # (where, reason)
        self.scratch = tempfile.TemporaryDirectory(prefix="clquant-docs.")
        tools = Path(self.scratch.name) / "bin"
        stub = Path(self.scratch.name) / "parse"
        tools.mkdir()
        stub.mkdir()
        (tools / "clquant").symlink_to(clquant)
        (stub / "clquant").write_text(f"#!/bin/sh\nexec '{clquant}' \"$@\" --help\n")
        (stub / "clquant").chmod(0o755)
        self.environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", LC_ALL="C",
                                CLQUANT_DRIVER_SECONDS="0", CLQUANT_COMPILE_SECONDS="0",
                                CLQUANT_DEVICE=os.environ.get("CLQ_TEST_DEVICE", "reference"))
        self.environment.setdefault("CLQUANT_CACHE_DIR", f"{self.scratch.name}/cache")
        listed = subprocess.run([clquant, "devices", "--json"], env=self.environment, capture_output=True, text=True,
                                check=True).stdout
        self.has_device = any(device["usable"] and device["spec"] not in ("native", "reference")
                              for device in json.loads(listed)["devices"])
        self.parsing = dict(self.environment, PATH=f"{stub}:{os.environ['PATH']}")

    def page(self, page):
        blocks = [block for block in page.blocks if block.language == "sh"]
        where = Path(self.scratch.name) / page.path.replace("/", "_")
        where.mkdir()
        for _, text in page.comments:
            if text.startswith("given:"):
                samples.make(str(Path(self.scratch.name) / "bin" / "clquant"), text[6:], str(where))
        for block in blocks:
            self._block(block, where)
        for block in page.blocks:
            if block.language in ("", "indented") and not block.marks("not commands"):
                columns = {len(line) - len(line.lstrip()) for line in block.lines if line.strip()}
                for index, line in enumerate(block.lines):
                    if len(columns) == 1 and LOOKS_LIKE_ONE.match(line) and not re.search(r"\[[A-Z-]|\.\.\.| \| ", line):
                        self.report(block.at(index), "a command stands in a block that is not run: make it ```sh")

    def manual(self, page):
        """The examples of the manual page, which are parsed."""
        examples = page.replace("\\-", "-").replace("\\e", "\\").split(".SH EXAMPLES\n")[1].split(".SH ")[0]
        calls = re.findall(r"^\\fB(clquant .*)\\fR$", examples, re.MULTILINE)
        if not calls:
            self.report("clquant man", "has no examples")
        for call in calls:
            self._parse_call("clquant man", call, self.scratch.name)

    def _block(self, block, where):
        commands = commands_of(block)
        marks = block.marks("not run")
        run = []
        environment = self.environment
        if block.marks("on a device"):
            if environment["CLQUANT_DEVICE"] == "reference":
                environment = dict(environment, CLQUANT_DEVICE="auto")
            if not self.has_device:
                marks = [": there is no OpenCL device"]
                if os.environ.get("CLQ_REQUIRE_DEVICE") == "1":
                    self.report(block.at(), "there is no OpenCL device, and CLQ_REQUIRE_DEVICE=1 asks for one")
        for mark in marks:
            if not re.match(r'^("[^"]+")?:\s*\S', mark):
                self.report(block.at(), f"<!-- not run{mark} -->: required is: not run: REASON")
        for line in commands:
            reason = None
            for mark in marks:
                prefix = re.match(r'^"([^"]+)"', mark)
                if prefix is None or line.text.startswith(prefix.group(1)):
                    reason = mark.split(":", 1)[-1].strip() if prefix is None else mark[prefix.end():].lstrip(": ")
            if reason is None:
                run.append(line)
            else:
                self.left_out.append((block.at(line.index), line.text.split("\n")[0], " ".join(reason.split())))
                self._parse(block, line, where)
        for mark in marks:
            prefix = re.match(r'^"([^"]+)"', mark)
            if prefix and not any(line.text.startswith(prefix.group(1)) for line in commands):
                self.report(block.at(), f"no line of the block begins with {prefix.group(0)}")
        self._run(block, run, where, environment)

    def _parse(self, block, line, where):
        for call in calls_of_clquant(line.text):
            self._parse_call(block.at(line.index), call, where)

    def _parse_call(self, place, call, where):
        self.parsed += 1
        done = subprocess.run(["sh", "-c", call], cwd=where, env=self.parsing, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        if done.returncode != 0:
            self.report(place, f"`{call}` is refused: {done.stderr.strip()}")

    def _run(self, block, lines, where, environment):
        """One shell for a block, so that variables last; what each command prints goes into a file of its own."""
        if not lines:
            return
        outputs = Path(tempfile.mkdtemp(dir=self.scratch.name))
        script = ""
        for number, line in enumerate(lines):
            script += f"code=0\n{{\n{line.text}\n}} >'{outputs}/{number}' 2>&1 </dev/null || code=$?\n"
            script += f"echo $code >'{outputs}/{number}.code'\n[ $code -eq {line.code} ] || exit 0\n"
        done = subprocess.run(["sh", "-c", script], cwd=where, env=environment, capture_output=True, text=True,
                              timeout=LIMIT_SECONDS, check=False)
        for number, line in enumerate(lines):
            printed = (outputs / str(number)).read_text(errors="replace") if (outputs / str(number)).exists() else ""
            code = (outputs / f"{number}.code")
            if not code.exists():
                self.report(block.at(line.index), f"did not run: {(done.stderr or printed).strip()[-600:]}")
                return
            self.ran += 1
            if int(code.read_text()) != line.code:
                self.report(block.at(line.index), f"`{line.text}` ended with {code.read_text().strip()}, "
                            f"{line.code} is required: {printed.strip()[-600:]}")
                return
            if line.output is not None:
                self._compare(block, line, printed)

    def _compare(self, block, line, printed):
        wanted = "\n".join(text.rstrip() for text in line.output).strip("\n")
        got = "\n".join(text.rstrip() for text in printed.split("\n")).strip("\n")
        if not re.fullmatch(re.escape(wanted).replace(r"\.\.\.", ".*"), got, re.DOTALL):
            self.report(block.at(line.index), f"`{line.text}` prints\n{got}")
