#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Draw what `clquant bench --json` measured, as SVG that is readable on light and dark pages.

    scripts/plot-bench.py [--best] FOLDER RESULT.json...

Writes into FOLDER, as far as the results hold what is needed (several runs on one device are put together):
    bench-roofs.svg    fraction of the C roof for each operation and type   (clquant bench)
    bench-cuts.svg     time of tensors that are cut otherwise beside the plain one   (clquant bench)
    bench-sizes.svg    GB/s from 1 Ki elements on                           (clquant bench --sweep)
    bench-batch.svg    time for each of many small tensors                  (clquant bench batch --sweep)
    bench-experts.svg  products of many experts beside a call for each      (clquant bench gemm-batch)

--best draws best times instead of medians, on both sides of every ratio: what to do on a machine that is not quiet.
Nothing but Python's standard library is needed.
"""
import html
import json
import math
import os
import sys

OPERATIONS = ["minmax", "quantize", "dequantize", "fake-quantize", "dynamic-quantize"]

STYLE = """
    svg { background: #fff; max-width: 100%; height: auto }
    text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .panel { font-weight: 600 }
    .small { font-size: 11px; fill: #59636e }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .axis { stroke: #59636e; stroke-width: 1 }
    .roof { stroke: #59636e; fill: #59636e }
    .ours { stroke: #1f6fd0; fill: #1f6fd0 }
    .peer { stroke: #c9510c; fill: #c9510c }
    .third { stroke: #1a7f37; fill: #1a7f37 }
    .dashed { stroke-dasharray: 5 4 }
    @media (prefers-color-scheme: dark) {
        svg { background: #161616 }
        text { fill: #e6edf3 }
        .small { fill: #9198a1 }
        .grid { stroke: #3d444d }
        .axis { stroke: #9198a1 }
        .roof { stroke: #9198a1; fill: #9198a1 }
        .ours { stroke: #58a6ff; fill: #58a6ff }
        .peer { stroke: #f0883e; fill: #f0883e }
        .third { stroke: #3fb950; fill: #3fb950 }
    }
    .line { fill: none; stroke-width: 2 }
    .bar { stroke: none }
"""


class Drawing:
    """SVG elements, in the order they are put."""

    def __init__(self, width, height, title, description):
        self.width, self.height = width, height
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{html.escape(title)}</title>',
            f'<desc id="desc">{html.escape(description)}</desc>',
            f"<style>{STYLE}</style>",
        ]
        self.text(16, 24, title, "title")

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def rectangle(self, x, y, width, height, kind):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="2" class="{kind}"/>')

    def dot(self, x, y, kind, hint=""):
        inside = f"<title>{html.escape(hint)}</title>" if hint else ""
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{kind}">{inside}</circle>')

    def path(self, points, kind):
        if points:
            steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            self.parts.append(f'<path d="M{steps}" class="line {kind}"/>')

    def text(self, x, y, text, kind="", anchor="start", turn=0):
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"{turned}>{html.escape(text)}</text>')

    def legend(self, x, y, entries):
        for kind, name in entries:
            self.line(x, y - 4, x + 18, y - 4, f"line {kind}")
            self.text(x + 24, y, name)
            x += 24 + 7 * len(name) + 24

    def caption(self, lines):
        for i, line in enumerate(lines):
            self.text(16, self.height - 12 - 15 * (len(lines) - 1 - i), line, "small")

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.parts) + "\n</svg>\n")
        print(path)


def caption_of(result):
    c = f"C: {result['threads']} threads" + (f", {result['instructions']}" if result["instructions"] else "")
    peer = f"; {result['peer']}" if result["peer"] else ""
    return [result["command"],
            f"{result['device']}; {result['platform']}; {c}{peer}; {result.get('figure', 'medians')} of {result['rounds']} rounds, "
            f"clquant {result['version']}"]


def measured(result):
    return [row for row in result["rows"] if row["outcome"] == "measured"]


def si(value):
    """1024 -> 1 Ki"""
    for shift, name in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if value >= 1 << shift:
            return f"{value / (1 << shift):g} {name}"
    return f"{value:g}"


def is_plain(row):
    return row["shape"].isdigit()


def roofs(result):
    """One bar for each operation and type at the largest plain size; the figure stands at its end."""
    rows = [row for row in measured(result)
            if row["operation"] in OPERATIONS and is_plain(row) and row["fraction"] is not None]
    groups = []
    for operation in OPERATIONS:
        problems = {}
        for row in rows:
            if row["operation"] == operation:
                problems.setdefault(row["problem"], []).append(row)
        for problem, members in problems.items():
            largest = max(row["elements"] for row in members)
            members = [row for row in members if row["elements"] == largest]
            ours = [row for row in members if row["role"] == "clquant"]
            peers = [row for row in members if row["role"] == "peer"]
            if ours:
                groups.append((operation, problem, largest, ours, peers))
    if not groups:
        return None
    bars = sum(len(ours) + len(peers) for _, _, _, ours, peers in groups)
    height = 96 + 22 * bars + 10 * len(groups) + 56
    d = Drawing(900, height, "Throughput as a fraction of the best threaded C for the same operation",
                "A bar for each operation and type; 1 is what C with streaming stores reached in the same rounds.")
    left, right, top = 290, 800, 64
    most = max([1.2] + [row["fraction"] for row in rows])
    most = min(math.ceil(most * 5) / 5, 2.0)
    at = lambda value: left + (right - left) * min(value, most) / most
    bottom = height - 84
    for step in range(int(most * 5 + 0.5) + 1):
        value = step / 5
        d.line(at(value), top - 6, at(value), bottom, "grid")
        d.text(at(value), bottom + 16, f"{value:.1f}", "small", "middle")
    y = top
    for operation, problem, largest, ours, peers in groups:
        d.text(16, y + 12, f"{operation}  {problem}")
        for row in ours + peers:
            kind = "ours" if row["role"] == "clquant" else "peer"
            name = (row["way"] or "clquant") if kind == "ours" else row["who"]
            d.text(left - 8, y + 12, name, "small", "end")
            d.rectangle(left, y + 1, at(row["fraction"]) - left, 14, f"bar {kind}")
            if "figure" not in result:
                d.line(at(row["best_fraction"]), y, at(row["best_fraction"]), y + 16, "axis")
            d.text(max(at(row["fraction"]), at(row["best_fraction"])) + 6, y + 12, f"{row['fraction']:.2f}", "small")
            y += 22
        y += 10
    d.line(at(1.0), top - 6, at(1.0), bottom, "line roof dashed")
    d.text(at(1.0), top - 12, "C", "small", "middle")
    d.text((left + right) / 2, bottom + 32, "fraction of the throughput of C" + (", by medians (the thin line: by best times)"
                                               if "figure" not in result else ", by best times"),
           "small", "middle")
    d.caption(caption_of(result))
    return d


def cuts(result):
    """Time for each element beside the plain tensor."""
    rows = [row for row in measured(result) if row["beside"] == "plain" and row["problem"].startswith(("f32", "s8 -> f32"))]
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    operations = [name for name in OPERATIONS if any(row["operation"] == name for row in rows)]
    if not rows:
        return None
    columns = 2
    panel_height = 40 + 20 * len(shapes)
    lines = (len(operations) + columns - 1) // columns
    d = Drawing(900, 60 + lines * (panel_height + 34) + 44, "Cost of tensors that are cut otherwise than as a whole",
                "Time for each element, divided by that of the plain tensor of the same size in the same rounds.")
    most = min(max([2.0] + [math.ceil(row["cost"] * 2) / 2 for row in rows]), 6.0)
    for number, operation in enumerate(operations):
        left = 170 + (number % columns) * 425
        right = left + 205
        top = 66 + (number // columns) * (panel_height + 34)
        at = lambda value: left + (right - left) * min(value, most) / most
        d.text(left - 154, top - 6, operation, "panel")
        bottom = top + 20 * len(shapes) + 4
        for step in range(int(most) + 1):
            d.line(at(step), top, at(step), bottom, "grid")
            d.text(at(step), bottom + 15, str(step), "small", "middle")
        for i, shape in enumerate(shapes):
            y = top + 4 + 20 * i
            d.text(left - 6, y + 11, shape, "small", "end")
            for row in rows:
                if row["operation"] == operation and row["shape"] == shape and row["way"] != "reciprocal":
                    d.rectangle(left, y + 1, at(row["cost"]) - left, 12, "bar ours")
                    d.text(max(at(row["cost"]), at(1.3)) + 5, y + 11, f"{row['cost']:.2f}", "small")
                    break
        d.line(at(1.3), top, at(1.3), bottom, "line roof dashed")
        d.text((left + right) / 2, bottom + 30, "time for each element / plain tensor (dashed: 1.3)", "small", "middle")
    d.caption(caption_of(result))
    return d


def log_panel(d, left, top, width, height, x_range, y_range, x_ticks, y_ticks, x_label, y_label, title):
    """Axes of a panel with two logarithmic scales; returns where a point is."""
    x_log = [math.log(value) for value in x_range]
    y_log = [math.log(value) for value in y_range]

    def at(x, y):
        across = (math.log(x) - x_log[0]) / (x_log[1] - x_log[0] or 1.0)
        up = (math.log(y) - y_log[0]) / (y_log[1] - y_log[0] or 1.0)
        return left + width * across, top + height * (1.0 - up)

    d.text(left, top - 8, title, "panel")
    for value, name in x_ticks:
        x, _ = at(value, y_range[0])
        d.line(x, top, x, top + height, "grid")
        d.text(x, top + height + 15, name, "small", "middle")
    for value, name in y_ticks:
        _, y = at(x_range[0], value)
        d.line(left, y, left + width, y, "grid")
        d.text(left - 6, y + 4, name, "small", "end")
    d.text(left + width / 2, top + height + 31, x_label, "small", "middle")
    d.text(left - 42, top + height / 2, y_label, "small", "middle", -90)
    return at


def decades(low, high):
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    return [(10.0 ** i, f"{10.0 ** i:g}") for i in range(first, last + 1)]


def panels(names, title, description, legend, result):
    columns = 2
    lines = (len(names) + columns - 1) // columns
    d = Drawing(900, 76 + lines * 270 + 36, title, description)
    d.legend(16, 48, legend)
    places = [(70 + (i % columns) * 420, 88 + (i // columns) * 270) for i in range(len(names))]
    d.caption(caption_of(result))
    return d, places


def sizes(result):
    """GB/s against the number of elements, a panel for each operation."""
    rows = [row for row in measured(result)
            if is_plain(row) and row["problem"].startswith(("f32", "s8 -> f32")) and row["gb_per_second"]]
    names = [name for name in OPERATIONS if len({row["elements"] for row in rows if row["operation"] == name}) > 2]
    if not names:
        return None
    rows = [row for row in rows if row["operation"] in names]
    peer = next((row["who"] for row in rows if row["role"] == "peer"), None)
    legend = [("ours", "clquant"), ("roof dashed", "best threaded C")] + ([("peer", peer)] if peer else [])
    d, places = panels(names, "Throughput by size",
                       "GB/s of f32 tensors from 1 Ki elements on: clquant, C and a peer in the same rounds.", legend, result)
    low, high = min(row["elements"] for row in rows), max(row["elements"] for row in rows)
    ticks = [(1 << i, si(1 << i)) for i in range(10, 31, 4) if low <= 1 << i <= high]
    y_ticks = decades(min(row["gb_per_second"] for row in rows), max(row["gb_per_second"] for row in rows))
    for name, (left, top) in zip(names, places):
        at = log_panel(d, left, top, 330, 190, (low, high), (y_ticks[0][0], y_ticks[-1][0]), ticks, y_ticks,
                       "elements", "GB/s", name)
        for role, kind in (("roof", "roof dashed"), ("peer", "peer"), ("clquant", "ours")):
            points = sorted((row["elements"], row["gb_per_second"]) for row in rows if row["operation"] == name
                            and row["role"] == role and row["way"] in (None, "divide"))
            d.path([at(*point) for point in points], kind)
            for point in points:
                d.dot(*at(*point), kind, f"{si(point[0])} elements: {point[1]:.2f} GB/s")
    return d


def batch(result):
    """Time for each tensor against their number."""
    rows = [row for row in measured(result) if row["operation"] == "batch" and "," not in row["shape"]]
    names = [name for name in OPERATIONS if len({row["elements"] for row in rows if row["problem"] == name}) > 2]
    if not names:
        return None
    size = 1024
    each = lambda row: 1e6 * row["median_seconds"] * size / row["elements"]
    legend = [("ours", "one batch"), ("peer", "one call each"), ("roof dashed", "one tensor of the same size")]
    d, places = panels(names, "Many tensors of 1 Ki elements (f32)",
                       "Microseconds for each tensor: in one batch, in one call each, and as one tensor.", legend, result)
    low, high = min(row["elements"] for row in rows) // size, max(row["elements"] for row in rows) // size
    ticks = [(10 ** i, f"{10 ** i:,}") for i in range(6) if low <= 10 ** i <= high]
    y_ticks = decades(min(map(each, rows)), max(map(each, rows)))
    for name, (left, top) in zip(names, places):
        at = log_panel(d, left, top, 330, 190, (low, high), (y_ticks[0][0], y_ticks[-1][0]), ticks, y_ticks,
                       "tensors", "us for each tensor", name)
        for way, kind in (("one tensor", "roof dashed"), ("one call each", "peer"), ("one batch", "ours")):
            points = sorted((row["elements"] // size, each(row)) for row in rows
                            if row["problem"] == name and row["way"] == way)
            d.path([at(*point) for point in points], kind)
            for point in points:
                d.dot(*at(*point), kind, f"{point[0]:,} tensors: {point[1]:.2f} us each")
    return d


def experts(result):
    """Time of a batch of products, and of a peer's, over that of one call each."""
    rows = [row for row in measured(result) if row["operation"] == "gemm-batch" and row["problem"] == "s8 -> s32" and
            row["role"] in ("clquant", "peer")]
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    if not shapes:
        return None
    times = {(row["shape"], row["who"], row["way"]): row["median_seconds"] for row in rows}
    peers = list(dict.fromkeys(row["who"] for row in rows if row["role"] == "peer"))
    ways = [("clquant", "one batch", "ours")] + [(who, "one call each", kind)
                                                 for who, kind in zip(peers, ("peer", "third"))]
    height = 14 * len(ways) + 8
    d = Drawing(900, 76 + height * len(shapes) + 66, "Products of 64 experts",
                "Time over that of one call each of clquant, in the same rounds.")
    d.legend(16, 48, [(kind, f"{who}, {way}") for who, way, kind in ways])
    left, right, top, most = 250, 820, 66, 3.0
    at = lambda value: left + (right - left) * min(value, most) / most
    bottom = top + height * len(shapes)
    for step in range(int(most) + 1):
        d.line(at(step), top, at(step), bottom, "grid")
        d.text(at(step), bottom + 15, str(step), "small", "middle")
    for i, shape in enumerate(shapes):
        d.text(left - 6, top + height * i + height / 2 + 4, shape, "small", "end")
        for k, (who, way, kind) in enumerate(ways):
            if (shape, who, way) in times:
                ratio = times[shape, who, way] / times[shape, "clquant", "one call each"]
                y = top + height * i + 4 + 14 * k
                d.rectangle(left, y, at(ratio) - left, 11, f"bar {kind}")
                d.text(at(ratio) + 5, y + 10, f"{ratio:.2f}", "small")
    d.line(at(1), top, at(1), bottom, "line roof dashed")
    d.text((left + right) / 2, bottom + 30, "time / one call each (dashed)", "small", "middle")
    d.caption(caption_of(result))
    return d


def merged(results):
    """One result from several runs on one device, such as one for each operation."""
    whole = dict(results[0])
    whole["rows"] = [row for result in results for row in result["rows"]]
    by_options = {}
    for result in results:
        words, *options = result["command"].split(" --")
        options = [option for option in options if not option.startswith("rounds")]  # the caption has them
        program = "clquant bench" if words.startswith("clquant bench") else words.split()[0]
        names = by_options.setdefault((program, "".join(f" --{option}" for option in options)), [])
        names += [name for name in words[len(program):].split() if name not in names]
    whole["command"] = "; ".join(" ".join([program] + names) + options
                                 for (program, options), names in by_options.items())
    rounds = sorted({result["rounds"] for result in results})
    whole["rounds"] = rounds[0] if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    return whole


def by_best(result):
    """The same with best times in the place of medians."""
    result["figure"] = "best times"
    for row in result["rows"]:
        for name, best in (("median_seconds", "best_seconds"), ("gb_per_second", "best_gb_per_second"),
                           ("fraction", "best_fraction"), ("copy_fraction", "best_copy_fraction"),
                           ("peer_ratio", "best_peer_ratio"), ("cost", "best_cost")):
            if name in row:
                row[name] = row[best]


def main():
    best = "--best" in sys.argv[1:2]
    arguments = sys.argv[2:] if best else sys.argv[1:]
    if len(arguments) < 2 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder = arguments[0]
    kinds = {}
    for path in arguments[1:]:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        if "rows" not in result or "command" not in result:
            print(f"{path}: is not a result of 'clquant bench --json'", file=sys.stderr)
            return 1
        if best:
            by_best(result)
        sweep = "--sweep" in result["command"].split()
        operations = {row["operation"] for row in result["rows"]}
        kinds.setdefault((sweep, "batch" in operations, "gemm-batch" in operations), []).append(result)
    drawn = 0
    for (sweep, batches, _), results in kinds.items():
        result = merged(results)
        plots = [("bench-batch.svg", batch)] if sweep and batches else [("bench-sizes.svg", sizes)] if sweep else [
            ("bench-roofs.svg", roofs), ("bench-cuts.svg", cuts), ("bench-experts.svg", experts)]
        for name, draw in plots:
            drawing = draw(result)
            if drawing is not None:
                drawing.save(os.path.join(folder, name))
                drawn += 1
    if drawn == 0:
        print("there is nothing to draw in these results", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
