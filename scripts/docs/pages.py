# SPDX-License-Identifier: Apache-2.0
"""Pages of Markdown taken apart: blocks of code with the comments before them, and prose."""
import re
import subprocess


class Block:
    """Code: its language ("" without one, "indented" without a fence), lines, and the comments right before it."""

    def __init__(self, page, number, language, comments):
        self.page, self.number, self.language, self.comments = page, number, language, comments
        self.lines = []

    def at(self, index=0):
        return f"{self.page.path}:{self.number + index}"

    def marks(self, word):
        """What follows `word` in the comments before the block."""
        return [text[len(word):].strip() for text in self.comments if re.match(re.escape(word) + r"(\s|:|$)", text)]


class Page:
    def __init__(self, root, path):
        self.path = path
        self.blocks = []
        self.prose = []  # (number, line) of what is no code
        self.comments = []  # (number, text)
        self.lines = (root / path).read_text(encoding="utf-8").split("\n")
        self._read()

    def _read(self):
        block, fence, waiting, after_blank = None, None, [], True
        comment, begun = None, 0
        for number, line in enumerate(self.lines, 1):
            if comment is not None or (fence is None and line.startswith("<!--")):
                if comment is None:
                    comment, begun = "", number
                comment += line + "\n"
                if "-->" in line:
                    text = comment.strip()[4:].split("-->")[0].strip()
                    waiting.append(text)
                    self.comments.append((begun, text))
                    comment = None
                continue
            if fence is not None:
                if line.strip() == fence:
                    fence, block, waiting, after_blank = None, None, [], False
                else:
                    block.lines.append(line)
                continue
            opened = re.match(r"(`{3,})(\w*)\s*$", line)
            if opened:
                fence = opened.group(1)
                block = Block(self, number + 1, opened.group(2), waiting)
                self.blocks.append(block)
                continue
            if line.startswith("    ") and (after_blank or (block is not None and block.language == "indented")):
                if block is None:
                    block = Block(self, number, "indented", waiting)
                    self.blocks.append(block)
                    waiting = []
                block.lines.append(line[4:])
                continue
            if not line.strip():
                after_blank = True
                if block is not None:
                    block.lines.append("")
                continue
            block, after_blank, waiting = None, False, []
            self.prose.append((number, line))


def tracked(root):
    out = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True,
                         text=True, check=True)
    return [path for path in out.stdout.split("\n") if path and (root / path).exists()]
