# SPDX-License-Identifier: Apache-2.0
"""Pictures (SVG): what has no area, or no line, where pages are light has none where they are dark. Of two rules for one
element the later one counts, so that one behind the colors for dark pages may be needed, and one before them is lost."""
import re


def rules_of(style):
    """(class, property, value, whether for dark pages), in order."""
    media = re.search(r"@media[^{]*dark\)\s*\{(.*?\})\s*\}", style, re.S)
    dark = media.span(1) if media else (0, 0)
    for rule in re.finditer(r"\.([\w-]+)\s*\{([^{}]*)\}", style):
        for name, value in re.findall(r"(fill|stroke)\s*:\s*([^;}]+)", rule.group(2)):
            yield rule.group(1), name, value.strip(), dark[0] <= rule.start() < dark[1]


def check(root, path, report):
    text = (root / path).read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    rules = list(rules_of(style.group(1))) if style else []
    for classes in sorted(set(re.findall(r'class="([^"]*)"', text))):
        for name in ("fill", "stroke"):
            fitting = [(value, is_dark) for of, own, value, is_dark in rules if own == name and of in classes.split()]
            light = [value for value, is_dark in fitting if not is_dark][-1:]
            if light and (light[0] == "none") != (fitting[-1][0] == "none"):
                report(path, f"{name} of class \"{classes}\" is {light[0]} on light pages and {fitting[-1][0]} on dark ones")
