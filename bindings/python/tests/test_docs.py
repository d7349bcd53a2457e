# SPDX-License-Identifier: Apache-2.0
"""docs/python.md, docs/engines.md and the notebook: every block is run, and prints what stands there."""
import contextlib
import importlib.util
import io
import json
import os
import re
import unittest
from pathlib import Path

from support import REQUIRED, Case

ROOT = Path(__file__).resolve().parents[3]


class Documents(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def run_code(self, code, names, where):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, where, "exec"), names)
        return said.getvalue()

    def run_page(self, page):
        """How many blocks were run; those whose modules are not there are left out."""
        names, ran = {}, 0
        text = (ROOT / page).read_text()
        for block in re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S):
            code = block.group(1)
            where = f"{page}:{text[:block.start()].count(chr(10)) + 1}"
            needed = [module for module in ("pyopencl", "torch") if re.search(rf"^import {module}\b", code, re.M)]
            if any(importlib.util.find_spec(module) is None for module in needed):
                self.assertFalse(REQUIRED and "pyopencl" in needed, "pyopencl is not there")
                continue
            want = re.findall(r"^ *print\(.*\)  +# (.*)$|^ *print\(error\)  # (.*)$", code, re.M)
            self.assertEqual(len(want), len(re.findall(r"^ *print\(", code, re.M)), where)
            self.assertEqual(self.run_code(code, names, where).splitlines(), [a or b for a, b in want], where)
            ran += 1
        return ran

    def test_guide(self):
        self.assertGreater(self.run_page("docs/python.md"), 8)

    def test_engines(self):
        self.assertGreater(self.run_page("docs/engines.md"), 0)

    def test_notebook(self):
        path = ROOT / "bindings/python/examples/layer.ipynb"
        names = {}
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        for number, cell in enumerate(cells):
            want = "".join("".join(output["text"]) for output in cell["outputs"])
            self.assertEqual(self.run_code("".join(cell["source"]), names, f"{path.name}, cell {number}"), want)
        self.assertGreater(len(cells), 3)


if __name__ == "__main__":
    unittest.main()
