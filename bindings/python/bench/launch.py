# SPDX-License-Identifier: Apache-2.0
"""What a call costs the caller: usage: launch.py [ROUNDS]

On a queue: the time to enqueue clquant.quantize of 1024 f32, over that of one kernel with as many arguments by pyopencl
itself. Everything is enqueued behind a gate, so that nothing runs meanwhile; the codes are compared with the reference's
first. In arrays of NumPy: a whole call on 1024 f32, over NumPy's own x / s. Prints the median of the ratios of ROUNDS (30)
rounds, in which the sides take turns, and the least and the greatest of the middle half.
"""
import statistics
import sys
import time

import numpy as np

import clquant

CALLS = 100
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


def told(name, ratios, unit):
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{name}: {middle:.2f} ({low:.2f} to {high:.2f}) times {unit}")


def on_a_queue(rounds, x, want):
    import pyopencl as cl
    import pyopencl.array as cla

    device = next(device for platform in cl.get_platforms() for device in platform.get_devices())
    context = cl.Context([device])
    queue = cl.CommandQueue(context)
    kernel = cl.Program(context, KERNEL).build().quantize
    on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
    scale, zero_point = cla.to_device(queue, np.float32(0.5)), cla.zeros(queue, (), np.int32)
    buffers = on.data, scale.data, zero_point.data, out.data
    arguments = *buffers, np.uint64(x.size)
    kernel.set_args(*arguments)
    quiet = {"queue": queue, "shape": x.shape, "real": "f32"}
    calls = {
        "pyopencl": lambda gate: kernel(queue, (x.size,), None, *arguments, wait_for=gate),
        "pyopencl, arguments set": lambda gate: cl.enqueue_nd_range_kernel(queue, kernel, (x.size,), None, wait_for=gate),
        "clquant on buffers": lambda gate: clquant.quantize(*buffers[:3], out=buffers[3], wait_for=gate, **quiet),
        "clquant on arrays": lambda gate: clquant.quantize(on, scale, zero_point, out=out, wait_for=gate),
    }
    for name, call in calls.items():
        call(None).wait()
        if name.startswith("clquant"):
            assert out.get().tobytes() == want.tobytes(), name
    costs = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gate = cl.UserEvent(context)
            costs[name].append(seconds(lambda: call([gate])))
            gate.set_status(cl.command_execution_status.COMPLETE)
            queue.finish()
    print(f"{device.name.strip()}: pyopencl {statistics.median(costs['pyopencl']) * 1e6:.1f} us")
    for name in list(calls)[1:]:
        told(name, [a / b for a, b in zip(costs[name], costs["pyopencl"])], "pyopencl's kernel(queue, ...)")


def on_the_host(rounds, x, want):
    scale, zero_point, out, y = np.float32(0.5), np.zeros((), "i4"), np.empty(x.shape, "i1"), np.empty_like(x)
    for device in [d.spec for d in clquant.devices() if d.usable]:
        ratios = []
        for _ in range(rounds):
            call = lambda: clquant.quantize(x, scale, zero_point, out=out, device=device)  # noqa: E731
            call()
            assert out.tobytes() == want.tobytes()
            ratios.append(seconds(call) / seconds(lambda: np.divide(x, scale, out=y)))
        told(f"NumPy arrays on {device}", ratios, "numpy.divide")


def main(rounds=30):
    x = np.linspace(-60, 60, 1024, dtype=np.float32)
    want = clquant.quantize(x, 0.5, device="reference")
    on_a_queue(rounds, x, want)
    on_the_host(rounds, x, want)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
