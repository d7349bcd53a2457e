# SPDX-License-Identifier: Apache-2.0
"""What the tests share. CLQUANT_COMMAND names the command, whose results are what the package's are compared with, byte
for byte. CLQ_REQUIRE_DEVICE=1 makes what is missing (the command, pyopencl, an OpenCL device) a failure, not a skip."""
import functools
import json
import logging
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

import clquant

try:
    import pyopencl as cl
    import pyopencl.array as cla
except ImportError:
    cl = cla = None

logging.getLogger("clquant").addHandler(logging.NullHandler())  # what tests expect they ask for
REQUIRED = os.environ.get("CLQ_REQUIRE_DEVICE") == "1"


def missing(what):
    if REQUIRED:
        raise AssertionError(f"{what}, and CLQ_REQUIRE_DEVICE=1 requires it")
    raise unittest.SkipTest(what)


@functools.lru_cache(maxsize=None)
def command():
    path = os.environ.get("CLQUANT_COMMAND")
    if not path or not os.path.exists(path):
        missing("CLQUANT_COMMAND names no command")
    return path


def run(*arguments, code=0):
    done = subprocess.run([command(), *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        raise AssertionError(f"clquant {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def python(program, *arguments, code=0):
    """Run a program in an interpreter of its own, with this package."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120,
                          env=environment)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "U8": "u1", "I16": "<i2", "U16": "<u2", "I32": "<i4"}


def safetensors(path):
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        first, end = (8 + length + offset for offset in entry["data_offsets"])
        found[name] = np.frombuffer(data[first:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return found


def write_safetensors(path, tensors):
    """{name: array}, of f32, f16 and int32."""
    names = {np.dtype("f4"): "F32", np.dtype("f2"): "F16", np.dtype("i4"): "I32"}
    header, blobs, at = {}, [], 0
    for name, array in tensors.items():
        blob = array.tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def random(shape, seed=1, dtype="f4"):
    """Numbers of many magnitudes, with zeros and ties among them."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal(shape) * np.exp2(draw.integers(-6, 6, shape))
    return np.where(draw.integers(0, 5, shape) == 0, np.round(x) / 2, x).astype(dtype)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def copying(self, device):
        """A context that takes the device's memory for one of its own."""
        context = clquant.Context(device)
        self.addCleanup(context.close)
        context._is_host = False
        return context

    def assert_same(self, got, want, what=""):
        got, want = np.asarray(got), np.asarray(want)
        self.assertEqual(got.dtype, want.dtype, what)
        if got.tobytes() != want.tobytes():
            at = np.flatnonzero(np.frombuffer(got.tobytes(), "u1") != np.frombuffer(want.tobytes(), "u1"))[0]
            self.fail(f"{what}: differs from byte {at} on: {got.ravel()[:8]} for {want.ravel()[:8]}")

    def assert_refused(self, kind, words, function, *arguments, **options):
        with self.assertRaises(kind) as caught:
            function(*arguments, **options)
        for word in words:
            self.assertIn(word, str(caught.exception))
        return caught.exception


@functools.lru_cache(maxsize=None)
def host_devices():
    """Every device in whose memory nothing is copied; one of OpenCL among them where it is required."""
    found = ["native", "reference"] + [device.spec for device in clquant.devices()
                                       if device.usable and device.type == "cpu" and device.platform >= 0]
    if REQUIRED and len(found) < 3:
        missing("no OpenCL device of this processor")
    return found


def queues():
    """An in-order queue and, where there is one, an out-of-order one, on every usable device of OpenCL."""
    if cl is None:
        missing("pyopencl is not there")
    found = []
    for platform in cl.get_platforms():
        for device in platform.get_devices():
            context = cl.Context([device])
            found.append(cl.CommandQueue(context, device))
            if device.queue_properties & cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE:
                found.append(cl.CommandQueue(context, device, cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE))
    if not found:
        missing("there is no device of OpenCL")
    return found


def is_complete(event):
    return event.command_execution_status == cl.command_execution_status.COMPLETE


class OnQueues(Case):
    def setUp(self):
        super().setUp()
        self.queues = queues()

    def gated(self, queue, call):
        """Enqueue behind a gate; it is opened when the call is back, which it would not be if it waited."""
        gate = cl.UserEvent(queue.context)
        try:
            event = call([gate])
            self.assertIsInstance(event, cl.Event)
            self.assertFalse(is_complete(event))
        finally:
            gate.set_status(cl.command_execution_status.COMPLETE)
        event.wait()
        return event
