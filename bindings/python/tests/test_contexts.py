# SPDX-License-Identifier: Apache-2.0
"""Contexts, threads, forks, memory, and the library's types as plain data."""
import ctypes
import dataclasses
import gc
import logging
import os
import pickle
import platform
import signal
import sys
import threading
import unittest
from importlib.util import find_spec
from unittest import mock

import numpy as np

import clquant
from clquant._clquant import ffi, lib
from clquant._errors import _classes, call
from support import Case, host_devices, python, random


class Contexts(Case):
    def test_devices(self):
        found = clquant.devices()
        self.assertEqual([device.spec for device in found[-2:]], ["native", "reference"])
        for device in found:
            with clquant.Context(device.spec) as context:
                self.assertEqual(context.device, device)

    def test_closed(self):
        context = clquant.Context("native")
        context.close()
        context.close()
        self.assert_refused(ValueError, ["closed"], clquant.quantize, random((3,)), 1.0, device=context)
        self.assert_refused(TypeError, ["belongs to its process"], pickle.dumps, context)

    def test_arguments(self):
        refused = self.assert_refused
        refused(TypeError, ["spec is int"], clquant.Context, 3)
        refused(ValueError, ["spec is 'native\\x001'", "without a zero byte"], clquant.Context, "native\0" "1")
        refused(TypeError, ["cache is int"], clquant.Context, "native", cache=3)
        refused(ValueError, ["cache is b'kernels\\x00'", "without a zero byte"], clquant.Context, "native",
                cache=b"kernels\0")
        refused(ValueError, ["preset is 'onnx\\x00'"], clquant.Scheme.preset, "onnx\0")
        refused(ValueError, ["method is 'minmax\\x00'"], clquant.calibrate, [], method="minmax\0")

    def test_a_call_holds_its_context(self):
        """Closed by another thread in the middle of calls: each ends as it began, and later ones are refused."""
        x = random((64, 64))
        want = clquant.quantize(x, 0.5, device="reference")
        for device in host_devices():
            clquant.quantize(x, 0.5, device=device)
            context = clquant.Context(device)
            calls, wrong = [0], []
            begun = threading.Event()

            def call():
                try:
                    while True:
                        if clquant.quantize(x, 0.5, device=context).tobytes() != want.tobytes():
                            wrong.append("bytes")
                        calls[0] += 1
                        if calls[0] >= 8:
                            begun.set()
                except ValueError as error:
                    if "closed" not in str(error):
                        wrong.append(error)
                finally:
                    begun.set()

            threads = [threading.Thread(target=call) for _ in range(3)]
            for thread in threads:
                thread.start()
            begun.wait()
            context.close()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            self.assertGreaterEqual(calls[0], 8)

    def test_threads(self):
        cases = [(random((17, 64), seed), seed % 2) for seed in range(8)]
        want = [clquant.dynamic_quantize(x, axis=axis, device="reference") for x, axis in cases]
        for device in host_devices():
            wrong = []
            with clquant.Context(device) as context:
                def call(number):
                    x, axis = cases[number]
                    for _ in range(20):
                        q = clquant.dynamic_quantize(x, axis=axis, device=context)
                        if any(a.tobytes() != b.tobytes() for a, b in zip(q, want[number])):
                            wrong.append(number)

                threads = [threading.Thread(target=call, args=(number,)) for number in range(len(cases))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            self.assertEqual(wrong, [], device)

    def test_fork(self):
        """A child makes its own context; a parent's is refused in it, and neither used nor destroyed."""
        x = random((100, 100))
        parents = [clquant.Context(device) for device in host_devices()]
        want = clquant.dynamic_quantize(x, device=parents[-1]).codes
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            said = []
            try:
                for context in parents:
                    try:
                        clquant.quantize(x, 1.0, device=context)
                    except RuntimeError as error:
                        said.append("forked" in str(error))
                del context
                parents.clear()
                gc.collect()
                said.append(clquant.Context().device.name == "native")
                said.append(clquant.dynamic_quantize(x).codes.tobytes() == want.tobytes())
                for function in (clquant.devices, lambda: clquant.Context("cpu")):
                    try:
                        function()
                    except RuntimeError as error:
                        said.append("spawn" in str(error))
            except BaseException as error:
                said.append(repr(error))
            os.write(writer, repr(said).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        self.assertEqual(said, repr([True] * (len(parents) + 4)))
        self.assert_same(clquant.dynamic_quantize(x, device=parents[0]).codes, want)

    def test_exit_with_everything_alive(self):
        for device in host_devices():
            python("import sys, numpy, clquant\n"
                   "x = numpy.ones(100000, 'f4')\n"
                   "context = clquant.Context(sys.argv[1])\n"
                   "keep = [clquant.dynamic_quantize(x, device=d) for d in (context, sys.argv[1])]\n"
                   "cycle = [context]; cycle.append(cycle)\n", device)

    def test_log(self):
        devices = [spec for spec in host_devices() if ":" in spec]
        for spec in devices:
            with clquant.Context(spec) as context, self.assertLogs("clquant", logging.DEBUG) as logs:
                clquant.quantize(random((5,)), 1.0, device=context)
            self.assertTrue(any("built" in line for line in logs.output), logs.output)

    def test_interrupt_while_compiling(self):
        """Ctrl-C in the middle of a first call ends it; the context goes on from there."""
        class Interrupting(logging.Handler):
            def emit(self, record):
                signal.raise_signal(signal.SIGINT)

        logger = logging.getLogger("clquant")
        handler = Interrupting()
        for spec in [spec for spec in host_devices() if ":" in spec]:
            with clquant.Context(spec) as context:
                logger.addHandler(handler)
                logger.setLevel(logging.DEBUG)
                try:
                    with self.assertRaises(KeyboardInterrupt):
                        clquant.dynamic_quantize(random((5, 6)), axis=0, device=context)
                finally:
                    logger.removeHandler(handler)
                    logger.setLevel(logging.NOTSET)
                with self.assertLogs("clquant", logging.DEBUG) as logs:  # what was not compiled yet
                    codes = clquant.dynamic_quantize(random((5, 6)), axis=0, device=context).codes
                self.assertTrue(any("built" in line for line in logs.output), logs.output)
                self.assert_same(codes, clquant.dynamic_quantize(random((5, 6)), axis=0, device="reference").codes)

    def test_tiles(self):
        """Who was told not to asks for no tile registers, and what is not there yet stays so."""
        supported = ctypes.c_uint64()
        if platform.machine() != "x86_64" or sys.platform != "linux" or \
                ctypes.CDLL(None).syscall(158, 0x1021, ctypes.byref(supported)) != 0 or not supported.value >> 18 & 1:
            self.skipTest("this processor has no tiles")  # arch_prctl, ARCH_GET_XCOMP_SUPP
        program = """
import ctypes, sys, numpy, clquant
if len(sys.argv) > 2:
    import pyopencl
    number, device = map(int, sys.argv[1].split(":"))
    queue = pyopencl.CommandQueue(pyopencl.Context([pyopencl.get_platforms()[number].get_devices()[device]]))
def permission():
    found = ctypes.c_uint64()
    assert ctypes.CDLL(None).syscall(158, 0x1022, ctypes.byref(found)) == 0  # arch_prctl, ARCH_GET_XCOMP_PERM
    return found.value >> 18 & 1
ones = numpy.ones((64, 64), "i1")
for tiles in (False, True):
    with clquant.Context(sys.argv[1], tiles=tiles) if len(sys.argv) < 3 else \
            clquant.Context.from_pyopencl(queue, tiles=tiles) as context:
        assert (clquant.gemm(ones, ones, device=context) == 64).all()
    print(permission())
"""
        for spec in [spec for spec in host_devices() if spec != "reference"]:
            for how in ([], ["from_pyopencl"])[:1 + (":" in spec and find_spec("pyopencl") is not None)]:
                said = python(program, spec, *how).split()
                self.assertEqual(said[0], "0", (spec, how))  # the second is "1" wherever the build's compiler knows tiles

    def test_cache(self):
        for spec in [spec for spec in host_devices() if ":" in spec]:
            with clquant.Context(spec, cache=self.folder / "kernels") as context:
                clquant.quantize(random((5,)), 1.0, device=context)
            self.assertTrue(list((self.folder / "kernels").iterdir()))

    def test_plan_and_prepare(self):
        for device in host_devices():
            plan = clquant.prepare("dynamic-quantize", (100, 100), axis=0, device=device)
            self.assertEqual(plan, clquant.plan("dynamic-quantize", (100, 100), axis=0, device=device))
            self.assertFalse(plan.by_host)
        self.assertEqual(plan.variant != "", True)
        self.assert_refused(ValueError, ["operation is 'divide'", "quantize"], clquant.plan, "divide", (3,))


class Memory(Case):
    def test_nothing_is_copied(self):
        """128 MiB are quantized in place: the process grows by less than an eighth of that, wherever the host computes."""
        for device in host_devices():
            grown = int(python("""
import sys, numpy, clquant
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
x = numpy.ones((1 << 15, 1 << 10), "f4")
out = numpy.zeros(x.shape, "i1"); out[:] = 1
clquant.quantize(x[:64], 1.0, out=out[:64], device=sys.argv[1])  # what the device itself takes
open("/proc/self/clear_refs", "w").write("5")
before = peak()
clquant.quantize(x, 0.01, out=out, device=sys.argv[1])
grown = peak() - before
assert (out == 100).all()
print(grown)
""", device))
            self.assertLess(grown, 16 << 10, device)

    def test_memory_of_its_own(self):
        """Where the host's memory is not the device's, arrays are copied there and back: no byte beside them is touched."""
        x = random((9, 33))
        want = clquant.dynamic_quantize(x, axis=0, device="reference")
        for device in host_devices():
            with self.copying(device) as context:
                got = clquant.dynamic_quantize(x, axis=0, device=context)
                for part, wanted in zip(got, want):
                    self.assert_same(part, wanted, device)
                self.assertEqual(clquant.quantize(x[:0], 1.0, device=context).shape, (0, 33))
                y = x.copy()
                clquant.fake_quantize(y, 0.5, out=y, device=context)
                self.assert_same(y, clquant.fake_quantize(x, 0.5, device="reference"))
                out = np.full((6, 12), 99, "i4")
                clquant.gemm(got.codes[:4], got.codes[4:].T, out=out[1:5, 3:8], device=context)
                self.assert_same(out[1:5, 3:8].copy(), clquant.gemm(want.codes[:4], want.codes[4:].T, device="reference"))
                out[1:5, 3:8] = 99
                self.assertTrue((out == 99).all())

    def test_interrupted_behind_a_call(self):
        """Ctrl-C that is raised when a buffer was made, filled, or packed: it is destroyed."""
        x = random((4, 6))
        handles = [ffi.typeof(name) for name in ("clq_buffer **", "clq_gemm_weights **")]
        for name in ("clq_buffer_wrap", "clq_buffer_create", "clq_buffer_write", "clq_gemm_weights_create"):
            places = []

            def interrupted(function, *arguments):
                call(function, *arguments)
                if isinstance(arguments[-1], ffi.CData) and ffi.typeof(arguments[-1]) in handles:
                    places.append(arguments[-1])
                if function == getattr(lib, name):
                    raise KeyboardInterrupt

            with clquant.Context("native") as context, mock.patch.object(clquant._run, "call", interrupted), \
                    mock.patch.object(clquant._gemm, "call", interrupted):
                context._is_host = name == "clq_buffer_wrap"
                with self.assertRaises(KeyboardInterrupt):
                    clquant.Weights(x.astype("i1"), device=context)
                gc.collect()
                self.assertTrue(places)
                self.assertEqual([place[0] for place in places], [ffi.NULL] * len(places), name)

    def test_nothing_stays(self):
        """Calls leave no memory behind them."""
        for device in host_devices():
            grown = int(python("""
import sys, numpy, clquant
def now():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
x = numpy.ones((64, 1024), "f4")
def calls(count):
    for _ in range(count):
        clquant.dynamic_quantize(x, axis=0, device=sys.argv[1])
        try:
            clquant.quantize(x, 1.0, out=x.view("i1").reshape(-1)[:x.size].reshape(x.shape), device=sys.argv[1])
        except clquant.InvalidArgument:
            pass
calls(200)
before = now()
calls(500)
print(now() - before)
""", device))
            self.assertLess(grown, 8 << 10, device)  # 500 codes alone would be 32 MiB


class Data(Case):
    def test_schemes_are_the_structs(self):
        fields = [name for name, _ in ffi.typeof("clq_scheme").fields if name != "struct_size"]
        self.assertEqual([field.name for field in dataclasses.fields(clquant.Scheme)], fields)
        for plain, struct in ((clquant.Device, "clq_device_info"), (clquant.Plan, "clq_plan"),
                              (clquant.Parameters, "clq_parameters")):
            self.assertEqual([field.name for field in dataclasses.fields(plain)],
                             [name for name, _ in ffi.typeof(struct).fields])

    def test_presets(self):
        self.assertEqual([name.encode() for name in clquant.presets],
                         [ffi.string(lib.clq_preset_name(number)) for number in range(lib.CLQ_PRESET_COUNT)])
        for name in clquant.presets:
            scheme = clquant.Scheme.preset(name)
            want, got = ffi.new("clq_scheme *"), ffi.new("clq_scheme *")
            lib.clq_scheme_from_preset(clquant.presets.index(name), 0, want, ffi.NULL)
            clquant._scheme.fill_scheme(got, scheme)
            self.assertEqual(bytes(ffi.buffer(got)), bytes(ffi.buffer(want)))
            self.assertEqual(pickle.loads(pickle.dumps(scheme)), scheme)
            self.assertEqual(hash(pickle.loads(pickle.dumps(scheme))), hash(scheme))

    def test_a_scheme_changed(self):
        x = np.array([0.5, 1.5, 2.5, -0.5], "f4")
        away = dataclasses.replace(clquant.Scheme.preset("symmetric"), rounding="away")
        self.assertEqual(clquant.quantize(x, 1.0).tolist(), [0, 2, 2, 0])
        self.assertEqual(clquant.quantize(x, 1.0, scheme=away).tolist(), [1, 2, 3, -1])
        broken = dataclasses.replace(away, rounding="down")
        self.assert_refused(ValueError, ["rounding is 'down'", "even, away"], clquant.quantize, x, 1.0, scheme=broken)
        broken = dataclasses.replace(away, qmin=5, qmax=-5)
        self.assert_refused(clquant.InvalidArgument, ["codes 5 to -5"], clquant.quantize, x, 1.0, scheme=broken)

    def test_without_a_device(self):
        found = clquant.choose_parameters(-3.0, 2.0, "onnx", "u8")
        self.assertEqual((np.float32(found.scale), found.zero_point), (np.float32(5 / 255), 153))
        self.assertEqual(clquant.multiplier_from_real(0.0033), (1814194186, -8))
        self.assert_refused(clquant.InvalidArgument, [], clquant.choose_parameters, 1.0, -1.0)

    def test_every_status_has_its_exception(self):
        statuses = set(ffi.typeof("clq_status").elements) - {lib.CLQ_OK}
        self.assertEqual(set(_classes), statuses)
        self.assertEqual(len(set(_classes.values())), len(statuses))
        error = self.assert_refused(clquant.InvalidArgument, ["lo"], clquant.choose_parameters, 1.0, -1.0)
        self.assertIsInstance(error, ValueError)
        self.assertEqual((error.status, error.status_name), (lib.CLQ_INVALID_ARGUMENT, "invalid argument"))
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), str(again), again.status), (type(error), str(error), error.status))

    def test_version(self):
        self.assertEqual(clquant.__version__, ffi.string(lib.clq_version()).decode())


if __name__ == "__main__":
    unittest.main()
