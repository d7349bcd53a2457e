# SPDX-License-Identifier: Apache-2.0
"""What a call costs the caller: usage: launch.py [--command CLQUANT] [ROUNDS]

On a queue: quantize, minmax and dynamic_quantize of 1024 f32 and a product of 8 x 64 x 64 with packed weights, 20 calls behind
a gate, so that nothing runs meanwhile; results are compared with the reference's first. In each of ROUNDS (30) rounds all
rows take their turns: one kernel enqueued by pyopencl, whose arguments are set (bare), a record, a call on arrays, and for
quantize a call on buffers and pyopencl's own kernel(queue, ...). Beside a row's median stands the median of its ratios to
bare of the same round, and the least and the greatest of the middle half. With --command that program measures the same
in C (`bench launch`), half of its rounds before and half behind.

In arrays of NumPy: a whole call on 1024 f32, over NumPy's own x / s.
"""
import argparse
import json
import statistics
import subprocess
import time

import numpy as np

import clquant

CALLS = 20  # few, so that a round fits the time that a busy system gives at once
KERNEL = """
__kernel void quantize(__global const float *x, __global const float *scale, __global const int *zero_point,
                       __global char *codes, ulong n)
{
    const size_t i = get_global_id(0);
    if (i < n) codes[i] = convert_char_sat_rte(x[i] / *scale) + *zero_point;
}
"""


def seconds(call):
    begun = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - begun) / CALLS


def told(name, times, ratios, unit):
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{name:40} {statistics.median(times) * 1e6:8.2f} us  {middle:6.2f} ({low:.2f} to {high:.2f}) x {unit}")


class Job:
    """Ways to enqueue one operation, by name, and what comes of it."""

    def __init__(self, queue, name, function, arguments, options, out, want):
        self.name, self.out, self.want = name, out if isinstance(out, tuple) else (out,), want
        record = clquant.record(function, *arguments, **options, out=out)
        self.ways = {"recorded": record.enqueue,
                     "call on arrays": lambda: function(*arguments, **options, out=out)}

    def check(self):
        for way, call in self.ways.items():
            for part in self.out:
                part.fill(1)
            call().wait()
            for part, want in zip(self.out, self.want):
                assert part.get().tobytes() == want.tobytes(), (self.name, way)


def jobs_on(queue, x):
    import pyopencl.array as cla

    on, scale, zero_point = cla.to_device(queue, x), cla.to_device(queue, np.float32(0.5)), cla.zeros(queue, (), np.int32)

    def job(name, function, arguments, options, want):
        parts = [cla.empty(queue, part.shape, part.dtype) for part in (want if isinstance(want, tuple) else (want,))]
        out = type(want)(*parts) if isinstance(want, tuple) else parts[0]
        return Job(queue, name, function, arguments, options, out, want if isinstance(want, tuple) else (want,))

    draw = np.random.default_rng(1)
    a, b = draw.integers(-127, 128, (8, 64), np.int8), draw.integers(-127, 128, (64, 64), np.int8)
    how = {"dtype": "s8", "multiplier": clquant.multiplier_from_real(2e-3)[0], "shift": clquant.multiplier_from_real(2e-3)[1]}
    found = [job("quantize", clquant.quantize, (on, scale, zero_point), {}, clquant.quantize(x, 0.5, device="reference")),
             job("minmax", clquant.minmax, (on,), {}, clquant.minmax(x, device="reference")),
             job("dynamic-quantize", clquant.dynamic_quantize, (on,), {}, clquant.dynamic_quantize(x, device="reference")),
             job("gemm", clquant.gemm, (cla.to_device(queue, a), clquant.Weights(cla.to_device(queue, b))), how,
                 clquant.gemm(a, b, **how, device="reference"))]
    out, = found[0].out
    buffers = on.data, scale.data, zero_point.data, out.data
    arguments = {"queue": queue, "shape": x.shape, "real": "f32"}
    found[0].ways["call on buffers"] = lambda: clquant.quantize(*buffers[:3], out=buffers[3], **arguments)
    return found, buffers


def in_c(command, device, rounds):
    """Times of the rows of C by problem and way."""
    done = subprocess.run([command, "bench", "launch", "--json", "--device", device, "--rounds", str(rounds)], check=True,
                          capture_output=True, text=True, timeout=200)
    report = json.loads(done.stdout)
    assert not report["failed"] and all(row["outcome"] == "measured" for row in report["rows"])
    return {(row["problem"], row["way"]): row["median_seconds"] for row in report["rows"]}


def on_a_queue(rounds, x, command):
    import pyopencl as cl

    device = next(device for platform in cl.get_platforms() for device in platform.get_devices())
    context = cl.Context([device])
    queue = cl.CommandQueue(context)
    jobs, buffers = jobs_on(queue, x)
    for job in jobs:
        job.check()
    kernel = cl.Program(context, KERNEL).build().quantize
    arguments = *buffers, np.uint64(x.size)
    kernel.set_args(*arguments)
    spec = clquant.Context.from_pyopencl(queue).device.spec
    before = in_c(command, spec, (rounds + 1) // 2) if command else {}
    rows = {("", "bare"): lambda: cl.enqueue_nd_range_kernel(queue, kernel, x.shape, None),
            ("", "kernel(queue, ...)"): lambda: kernel(queue, x.shape, None, *arguments)}
    rows.update({(job.name, way): call for job in jobs for way, call in job.ways.items()})
    costs = {row: [] for row in rows}
    for _ in range(rounds):
        for row, call in rows.items():
            gate = cl.UserEvent(context)
            cl.enqueue_marker(queue, wait_for=[gate])
            costs[row].append(seconds(call))
            gate.set_status(cl.command_execution_status.COMPLETE)
            queue.finish()
    behind = in_c(command, spec, (rounds + 1) // 2) if command else {}
    print(f"{device.name.strip()}, medians of {rounds} rounds")
    for problem, way in before:
        times, bare = [[found[problem, key] for found in (before, behind)] for key in (way, "OpenCL alone")]
        low, high = sorted(a / b for a, b in zip(times, bare))
        print(f"C: {f'{problem}, {way}':37} {statistics.mean(times) * 1e6:8.2f} us  {low:6.2f} to {high:.2f} x OpenCL alone")
    for row in rows:
        told(f"Python: {', '.join(filter(None, row))}", costs[row], [a / b for a, b in zip(costs[row], costs["", "bare"])], "bare")


def on_the_host(rounds, x):
    scale, zero_point, out, y = np.float32(0.5), np.zeros((), "i4"), np.empty(x.shape, "i1"), np.empty_like(x)
    want = clquant.quantize(x, 0.5, device="reference")
    for device in [d.spec for d in clquant.devices() if d.usable]:
        times, ratios = [], []
        for _ in range(rounds):
            call = lambda: clquant.quantize(x, scale, zero_point, out=out, device=device)  # noqa: E731
            call()
            assert out.tobytes() == want.tobytes()
            times.append(seconds(call))
            ratios.append(times[-1] / seconds(lambda: np.divide(x, scale, out=y)))
        told(f"NumPy arrays on {device}", times, ratios, "numpy.divide")


def main():
    options = argparse.ArgumentParser(description="What a call costs the caller.")
    options.add_argument("--command", help="clquant, which measures the same in C")
    options.add_argument("rounds", nargs="?", type=int, default=30)
    options = options.parse_args()
    x = np.linspace(-60, 60, 1024, dtype=np.float32)
    on_a_queue(options.rounds, x, options.command)
    on_the_host(options.rounds, x)


if __name__ == "__main__":
    main()
