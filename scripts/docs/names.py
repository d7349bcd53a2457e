# SPDX-License-Identifier: Apache-2.0
"""What pages name must be there: pages and headings that links lead to, files, functions, variables, options."""
import json
import re

TREES = "host|kernels|include|tests|bench|docs|scripts|examples|fuzz|cmake"
SOURCES = (".c", ".h", ".cl", ".clh", ".def", ".inc", ".txt", ".cmake", ".sh", ".py", ".in", ".cpp", ".hpp", ".json")
OURS = "clq|CLQ|CLQUANT|test|bench|example|cli|zoo"  # what names of functions, programs, tests and variables begin with
FOREIGN = re.compile(r"^https?:")
# Pages for those who know the public headers only.
USERS = {"README.md", "docs/library.md", "docs/engines.md", "docs/serving.md", "docs/calibration.md", "docs/bringup.md",
         "docs/models.md"}


def slug(heading):
    """The anchor of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


class Names:
    def __init__(self, root, files, program, report):
        self.root, self.program, self.report = root, program, report
        self.files = set(files)
        self.basenames = {path.rsplit("/", 1)[-1] for path in files}
        self.checked = 0
        self.identifiers, self.public = {path.rsplit("/", 1)[-1].split(".")[0] for path in files}, set()
        self.identifiers |= {"cli_" + re.sub(r".*/|\..*", "", path) for path in files if path.startswith("tests/cli/")}
        for path in files:
            if path.endswith(SOURCES) and not path.startswith("scripts/docs/"):
                words = set(re.findall(rf"\b(?:{OURS})_\w+", (root / path).read_text(errors="replace")))
                self.identifiers |= words
                if path.startswith("include/"):
                    self.public |= words
        presets = json.loads((root / "CMakePresets.json").read_text())
        self.presets = {preset["name"] for preset in presets["configurePresets"]}
        cmake = "\n".join((root / path).read_text() for path in files if path.endswith(("CMakeLists.txt", ".cmake")))
        self.targets = set(re.findall(r"add_(?:custom_target|executable|library)\((\w+)", cmake)) | \
            set(re.findall(r"\btest_\w+", cmake))
        self.anchors = {}

    def _anchors(self, path):
        if path not in self.anchors:
            seen, inside = {}, False
            found = set()
            for line in (self.root / path).read_text().split("\n"):
                inside = inside != line.startswith("```")
                if not inside and re.match(r"#{1,6} ", line):
                    name = slug(re.sub(r"^#+ ", "", line))
                    seen[name] = seen.get(name, -1) + 1
                    found.add(name if seen[name] == 0 else f"{name}-{seen[name]}")
            self.anchors[path] = found
        return self.anchors[path]

    def links(self, page):
        folder = (self.root / page.path).parent
        headings = [line for _, line in page.prose if re.match(r"#{1,6} ", line)]
        for heading in sorted({heading for heading in headings if headings.count(heading) > 1}):
            self.report(page.path, f"'{heading}' stands there twice")
        for number, line in page.prose:
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if FOREIGN.match(target):
                    continue
                self.checked += 1
                name, _, anchor = target.partition("#")
                path = (folder / name).resolve() if name else (self.root / page.path)
                if not path.exists():
                    self.report(f"{page.path}:{number}", f"link to {target}: there is no such file")
                elif anchor and anchor not in self._anchors(str(path.relative_to(self.root.resolve()))):
                    self.report(f"{page.path}:{number}", f"link to {target}: there is no such heading")

    def names(self, page):
        """Files, identifiers and options, in prose and in code."""
        lines = page.prose + [(block.number + index, line) for block in page.blocks
                              for index, line in enumerate(block.lines)]
        for number, line in lines:
            where = f"{page.path}:{number}"
            line = re.sub(r"https?://\S+", "", line)
            self._files(where, line)
            for name in re.findall(rf"(?<![\w*-])(?:{OURS})_\w+\b(?!\*)", line):
                self.checked += 1
                if name not in self.identifiers and not name.endswith("_") and \
                        not re.search(r"_NAME$|[a-z]_[A-Z]+(_|$)", name):
                    self.report(where, f"{name} is nowhere in the sources")
                elif page.path in USERS and name.startswith("clq_") and name not in self.public:
                    self.report(where, f"{name} is in no public header")
            for name in re.findall(r"--preset[ =](\w[\w-]*)", line):
                if name not in self.presets and name not in self.program.presets and name != "NAME":
                    self.report(where, f"--preset {name}: neither CMakePresets.json nor clquant has one")
            for name in re.findall(r"--target (\w+)", line):
                if name not in self.targets:
                    self.report(where, f"--target {name}: there is none")
            for code in re.findall(r"[Ee]xit codes? (\d+)", line):
                if code not in self.program.exit_codes and code not in ("139",):
                    self.report(where, f"exit code {code} is none of clquant's: {', '.join(sorted(self.program.exit_codes))}")

    def _files(self, where, line):
        for name in re.findall(rf"(?<![\w./:-])((?:{TREES})/[\w./*-]*[\w*](?:\.\w+)?/?)", line):
            self.checked += 1
            if not re.search(r"[A-Z]{3,}", name.replace("README", "").replace("CMake", "")) and not self._is_there(name):
                self.report(where, f"there is no {name}")
        for name in re.findall(r"(?<![\w./<*-])([a-z]\w*\.(?:c|h|cl|clh|def|sh|py|md|inc))\b(?![\w-]|\.\w)", line):
            self.checked += 1
            if name not in self.basenames and name not in self.program.made:
                self.report(where, f"there is no {name} in the repository")

    def _is_there(self, name):
        name = name.rstrip("/")
        if name in self.files or (self.root / name).exists():
            return True
        pattern = re.compile(re.escape(name).replace(r"\*", "[^/]*") + r"(\.[ch]|\.clh?|/.*)?$")
        return any(pattern.match(path) for path in self.files)

    def options(self, page):
        """Every `--option` in code spans is one of some verb, or of the program that the span names."""
        for number, line in page.prose:
            for span in re.findall(r"`([^`]+)`", line):
                if re.match(r"(cmake|ctest|pkg-config|cc|clang|scripts/|bench/|tests/|\./|llama|vllm|pip|python|clquant-bench)",
                            span):
                    continue
                for option in re.findall(r"(?<![\w-])--([a-z][\w-]*)", span):
                    self.checked += 1
                    if option not in self.program.options:
                        self.report(f"{page.path}:{number}", f"--{option} is no option of clquant")
