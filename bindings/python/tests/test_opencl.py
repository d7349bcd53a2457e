# SPDX-License-Identifier: Apache-2.0
"""The operations on pyopencl's arrays and buffers, on the caller's queue: bytes of the reference, order, nothing waited
for. Every test holds a gate, an event of the user, before the work it enqueues."""
import ctypes
import gc
import threading
import unittest
from unittest import mock

import numpy as np

import clquant
from clquant._clquant import lib
from clquant._errors import call
from support import OnQueues, cl, cla, is_complete, python, random


class OpenCL(OnQueues):
    def test_every_operation_behind_a_gate(self):
        x = random((6, 33))
        for queue in self.queues:
            for axis, group_size in ((None, None), (0, None), (None, 16)):
                how = {"axis": axis, "group_size": group_size}
                want = clquant.dynamic_quantize(x, device="reference", scheme="tflite", **how)
                on = cla.to_device(queue, x)
                like = [cla.empty(queue, part.shape, part.dtype) for part in want]
                for operation in ("minmax", "quantize", "dequantize", "fake-quantize", "dynamic-quantize"):
                    plan = clquant.prepare(operation, x.shape, scheme="tflite",
                                           device=clquant._opencl.context_of(queue), **how)
                    self.assertFalse(plan.by_host)
                made = clquant.Quantized(*like)
                self.gated(queue, lambda wait: clquant.dynamic_quantize(on, out=made, wait_for=wait, scheme="tflite", **how))
                for got, wanted, name in zip(made, want, made._fields):
                    self.assert_same(got.get(), wanted, name)

                found = clquant.Range(cla.zeros_like(made.range), cla.zeros_like(made.nonfinite))
                self.gated(queue, lambda wait: clquant.minmax(on, out=found, wait_for=wait, **how))
                self.assert_same(found.range.get(), want.range)
                self.assert_same(found.nonfinite.get(), want.nonfinite)

                codes = cla.zeros_like(made.codes)
                self.gated(queue, lambda wait: clquant.quantize(on, made.scale, made.zero_point, out=codes, wait_for=wait,
                                                                scheme="tflite", **how))
                self.assert_same(codes.get(), want.codes)

                y, fake = cla.zeros_like(on), cla.zeros_like(on)
                self.gated(queue, lambda wait: clquant.dequantize(codes, made.scale, made.zero_point, out=y, wait_for=wait,
                                                                  scheme="tflite", **how))
                self.gated(queue, lambda wait: clquant.fake_quantize(on, made.scale, made.zero_point, out=fake,
                                                                     wait_for=wait, scheme="tflite", **how))
                back = clquant.dequantize(want.codes, want.scale, want.zero_point, scheme="tflite", device="reference", **how)
                self.assert_same(y.get(), back)
                self.assert_same(fake.get(), back)

    def test_views_with_strides(self):
        """Views of arrays, in place on the queue: the columns of an image, each second row, transposed."""
        x = random((8, 24))
        cuts = {"columns": np.s_[:, 5:18], "rows": np.s_[1::2], "both": np.s_[::3, 2:20:2]}
        for queue in self.queues:
            whole = cla.to_device(queue, x)
            views = {what: (whole[cut], x[cut]) for what, cut in cuts.items()}
            views["transposed"] = whole.T, x.T
            for what, (on, view) in views.items():
                want = clquant.dynamic_quantize(view.copy(), axis=0, device="reference")
                made = clquant.Quantized(*(cla.empty(queue, part.shape, part.dtype) for part in want))
                clquant.prepare("dynamic-quantize", view.shape, axis=0, device=clquant._opencl.context_of(queue))
                self.gated(queue, lambda wait: clquant.dynamic_quantize(on, axis=0, out=made, wait_for=wait))
                for got, wanted, name in zip(made, want, made._fields):
                    self.assert_same(got.get(), wanted, f"{name} of {what}")
                back = clquant.dequantize(want.codes, want.scale, axis=0, device="reference")
                kept = x.copy()
                self.gated(queue, lambda wait: clquant.fake_quantize(on, want.scale, axis=0, out=on, wait_for=wait))
                if what == "transposed":
                    kept.T[...] = back
                else:
                    kept[cuts[what]] = back
                self.assert_same(whole.get(), kept, what)
                other = cla.zeros(queue, (2 * view.shape[0], 2 * view.shape[1]), np.float32)
                clquant.dequantize(made.codes, made.scale, axis=0, out=other[::2, ::2]).wait()
                wanted = np.zeros(other.shape, "f4")
                wanted[::2, ::2] = back
                self.assert_same(other.get(), wanted, what)
                whole.set(x)

    def test_arrays_wait_for_what_fills_them(self):
        """A chain without a word of waiting: each step follows the events of the arrays it reads."""
        x = random((8, 64))
        want = clquant.dynamic_quantize(x, axis=0, device="reference")
        for queue in self.queues:
            on, y = cla.to_device(queue, x), cla.empty(queue, x.shape, np.float32)
            made = clquant.Quantized(*(cla.empty(queue, part.shape, part.dtype) for part in want))
            clquant.dynamic_quantize(on, axis=0, out=made)  # compiles
            clquant.dequantize(made.codes, made.scale, axis=0, out=y).wait()
            for part in made:
                part.fill(0)
            queue.finish()
            gate = cl.UserEvent(queue.context)
            first = clquant.dynamic_quantize(on, axis=0, out=made, wait_for=[gate])
            second = clquant.dequantize(made.codes, made.scale, axis=0, out=y)
            self.assertFalse(is_complete(first) or is_complete(second))
            gate.set_status(cl.command_execution_status.COMPLETE)
            second.wait()
            self.assertTrue(is_complete(first))
            self.assert_same(y.get(), clquant.dequantize(want.codes, want.scale, axis=0, device="reference"))

    def late(self, array, data):
        """`data` are copied into `array` by a command that begins in 0.2 s, and of which its events do not tell."""
        source = cla.to_device(array.queue, data)
        array.queue.finish()
        gate = cl.UserEvent(array.context)
        cl.enqueue_copy(array.queue, array.base_data, source.base_data, wait_for=[gate])
        array.events.clear()
        timer = threading.Timer(0.2, gate.set_status, [cl.command_execution_status.COMPLETE])
        timer.start()
        self.addCleanup(timer.join)

    def test_what_is_on_the_queue_is_waited_for(self):
        """Weights and calibrations are made on the library's own queue, which no order binds to the caller's."""
        x = random((6, 64))
        w = np.random.default_rng(5).integers(-128, 128, (64, 9), np.int8)
        for queue in self.queues:
            b = cla.zeros(queue, w.shape, np.int8)
            clquant.Weights(b)  # compiles
            self.late(b, w)
            weights = clquant.Weights(b)
            a, out = cla.to_device(queue, w.T.copy()), cla.empty(queue, (9, 9), np.int32)
            clquant.gemm(a, weights, out=out).wait()
            self.assert_same(out.get(), clquant.gemm(w.T.copy(), w, device="reference"))

            on = cla.zeros(queue, x.shape, np.float32)
            clquant.calibrate([on], axis=0)
            self.late(on, x)
            self.assert_same(clquant.calibrate([on], axis=0).range, clquant.minmax(x, axis=0, device="reference").range)

    def test_many_calls_behind_a_gate(self):
        """However many are under way, none waits for another one to end."""
        x = random((8, 64))
        for queue in self.queues:
            on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
            clquant.quantize(on, 0.5, out=out).wait()
            gate = cl.UserEvent(queue.context)
            clquant.quantize(on, 0.5, out=out, wait_for=[gate])
            events = [clquant.quantize(on, scale, out=out) for scale in np.linspace(0.5, 2, 50, dtype="f4")]
            self.assertFalse(any(map(is_complete, events)))
            gate.set_status(cl.command_execution_status.COMPLETE)
            events[-1].wait()
            self.assert_same(out.get(), clquant.quantize(x, 2.0, device="reference"))

    def test_buffers_and_parts_of_arrays(self):
        """Raw buffers; arrays that begin within one, at a multiple of their elements' size and of nothing else."""
        x = random((5, 33))
        want = clquant.quantize(x, 0.25, device="reference")
        flags = cl.mem_flags
        for queue in self.queues:
            source = cl.Buffer(queue.context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=x)
            target = cl.Buffer(queue.context, flags.WRITE_ONLY, x.size)
            got = np.empty_like(want)
            event = clquant.quantize(source, 0.25, shape=x.shape, real="f32", out=target, queue=queue)
            cl.enqueue_copy(queue, got, target, wait_for=[event])
            self.assert_same(got, want)

            whole = cla.to_device(queue, np.concatenate([np.zeros(3, "f4"), x.ravel()]))
            part = whole[3:]
            out = cla.zeros(queue, x.size + 5, np.int8)
            clquant.quantize(part, 0.25, out=out[5:]).wait()
            self.assert_same(out.get()[5:], want.ravel())
            self.assertEqual(out.get()[:5].tolist(), [0] * 5)

    def test_packed_codes(self):
        x = random((3, 5))
        want = clquant.quantize(x, 0.5, dtype="s4", device="reference")
        for queue in self.queues:
            on, codes, y = cla.to_device(queue, x), cla.empty(queue, 8, np.uint8), cla.empty(queue, x.shape, np.float32)
            clquant.quantize(on, 0.5, dtype="s4", out=codes)
            clquant.dequantize(codes, 0.5, dtype="s4", shape=x.shape, out=y).wait()
            self.assert_same(codes.get(), want)
            self.assert_same(y.get(), clquant.dequantize(want, 0.5, dtype="s4", shape=x.shape, device="reference"))

    def test_the_device_of_a_context(self):
        """Its specification means the same device; a sub-device, which none means, has its name."""
        for queue in self.queues:
            spec = clquant.Context.from_pyopencl(queue).device.spec
            self.assertEqual(spec, f"{cl.get_platforms().index(queue.device.platform)}:"
                                   f"{queue.device.platform.get_devices().index(queue.device)}")
            self.assertEqual(clquant.Context(spec).device.name, clquant.Context.from_pyopencl(queue).device.name)
            if queue.device.partition_properties and queue.device.max_compute_units > 1:
                part = queue.device.create_sub_devices([cl.device_partition_property.EQUALLY, 1])[0]
                device = clquant.Context.from_pyopencl(cl.CommandQueue(cl.Context([part]), part)).device
                self.assertEqual((device.platform, device.spec), (-1, device.name))

    def test_workspace(self):
        x = random((1 << 16,))
        want = clquant.minmax(x, device="reference")
        for queue in self.queues:
            context = clquant.Context.from_pyopencl(queue)
            need = clquant.prepare("minmax", x.shape, device=context).workspace_bytes
            on = cla.to_device(queue, x)
            out = clquant.Range(cla.empty(queue, 2, np.float32), cla.empty(queue, 2, np.uint64))
            scratch = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, need)
            clquant.minmax(on, out=out, workspace=scratch, device=context).wait()
            self.assert_same(out.range.get(), want.range)
            if need > 16:
                small = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 16)
                self.assert_refused(clquant.InvalidArgument, ["workspace", str(need)], clquant.minmax, on, out=out,
                                    workspace=small, device=context)

    def test_scratch_memory_that_calls_share(self):
        """Behind a gate, where the queue keeps them in order; on another one each has its own."""
        parts = [random((1 << 16,), seed) for seed in range(6)]
        for queue in self.queues:
            context = clquant.Context.from_pyopencl(queue)
            need = clquant.prepare("minmax", parts[0].shape, device=context).workspace_bytes
            on = [cla.to_device(queue, part) for part in parts]
            out = [clquant.Range(cla.zeros(queue, 2, np.float32), cla.zeros(queue, 2, np.uint64)) for _ in parts]
            queue.finish()
            gate = cl.UserEvent(queue.context)
            for x, found in zip(on, out):
                event = clquant.minmax(x, out=found, wait_for=[gate], device=context)
                self.assertFalse(is_complete(event))
            kept = [buffer for _, buffer in context._workspaces.values()]
            self.assertEqual(len(kept), int(clquant._opencl.is_in_order(queue) and need > 0))
            self.assertTrue(all(buffer.size >= need for buffer in kept))
            gate.set_status(cl.command_execution_status.COMPLETE)
            for part, found in zip(parts, out):
                self.assert_same(found.range.get(), clquant.minmax(part, device="reference").range)
            context.close()
            self.assertEqual(len(context._workspaces) + len(context._constants), 0)

    def test_numbers_beside_arrays(self):
        """Each call has those that it was given, however many are kept; nothing waits for the library's queue."""
        x = random((7, 3))
        scales = np.linspace(0.25, 4, 300, dtype="f4")
        for queue in self.queues:
            context = clquant.Context.from_pyopencl(queue)
            on = cla.to_device(queue, x)
            out = [cla.empty(queue, x.shape, np.int8) for _ in scales]
            gate = cl.UserEvent(queue.context)
            with mock.patch.object(clquant._run, "call", side_effect=call) as called:
                for scale, codes in zip(scales, out):
                    clquant.quantize(on, float(scale), 3, out=codes, wait_for=[gate], device=context)
            self.assertNotIn(lib.clq_buffer_write, [known.args[0] for known in called.call_args_list])
            self.assertEqual(len(context._constants), 256)
            gate.set_status(cl.command_execution_status.COMPLETE)
            for scale, codes in zip(scales, out):
                self.assert_same(codes.get(), clquant.quantize(x, scale, 3, device="reference"))

    def test_objects_go_before_the_work_is_done(self):
        """Whatever the caller drops, the queue keeps what it needs."""
        x = random((1000,))
        for queue in self.queues:
            out = cla.zeros(queue, 1000, np.int8)
            clquant.quantize(cla.to_device(queue, x), 0.5, out=out).wait()
            out.fill(0)
            queue.finish()
            gate = cl.UserEvent(queue.context)
            scale = cla.to_device(queue, np.float32(0.5))
            context = clquant.Context.from_pyopencl(queue)
            event = clquant.quantize(cla.to_device(queue, x), scale, out=out, wait_for=[gate])
            del scale, context
            gc.collect()
            gate.set_status(cl.command_execution_status.COMPLETE)
            event.wait()
            self.assert_same(out.get(), clquant.quantize(x, 0.5, device="reference"))

    def test_interrupted_behind_a_call(self):
        """Ctrl-C that is raised when the launch is made: it runs, and the array that it writes waits for it."""
        x = random((4, 6))

        def interrupted(function, *arguments):
            call(function, *arguments)
            if function == lib.clq_enqueue:
                raise KeyboardInterrupt

        for queue in self.queues:
            on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
            clquant.quantize(on, 0.5, out=out).wait()
            out.fill(0)
            queue.finish()
            gate = cl.UserEvent(queue.context)
            with mock.patch.object(clquant._run, "call", interrupted), self.assertRaises(KeyboardInterrupt):
                clquant.quantize(on, 0.5, out=out, wait_for=[gate])
            self.assertEqual([is_complete(event) for event in out.events], [False])
            gate.set_status(cl.command_execution_status.COMPLETE)
            self.assert_same(out.get(), clquant.quantize(x, 0.5, device="reference"))

    def test_refusals(self):
        queue = self.queues[0]
        x = random((4, 6))
        on, out = cla.to_device(queue, x), cla.empty(queue, (4, 6), np.int8)
        buffer = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 96)
        refused = self.assert_refused
        refused(TypeError, ["out is required"], clquant.quantize, on, 1.0)
        refused(TypeError, ["x in memory of OpenCL", "codes in that of the host"], clquant.quantize, on, 1.0,
                out=np.empty((4, 6), "i1"))
        found = clquant.dynamic_quantize(x, device="reference")
        there = clquant.Quantized(*(cla.empty(queue, part.shape, part.dtype) for part in found))
        refused(TypeError, ["x, codes, range, nonfinite in memory of OpenCL", "scale, zero_point in that of the host"],
                clquant.dynamic_quantize, on, out=there._replace(scale=found.scale, zero_point=found.zero_point))
        refused(TypeError, ["range in memory of OpenCL", "scale, zero_point in that of the host"],
                clquant.choose_parameters_from, there.range, out=(found.scale, found.zero_point))
        refused(TypeError, ["shape= is required"], clquant.quantize, buffer, 1.0, out=out, queue=queue)
        refused(TypeError, ["real= is required"], clquant.quantize, buffer, 1.0, shape=(4, 6), out=out, queue=queue)
        refused(TypeError, ["queue= is required"], clquant.quantize, buffer, 1.0, shape=(4, 6), real="f32", out=buffer)
        refused(clquant.InvalidArgument, ["x needs 112 bytes", "96"], clquant.quantize, buffer, 1.0, shape=(4, 7),
                real="f32", out=cla.empty(queue, (4, 7), np.int8), queue=queue)
        refused(TypeError, ["x is of float64"], clquant.quantize, cla.zeros(queue, 4, np.float64), 1.0, out=out)
        refused(ValueError, ["x has strides of (-6, 1)"], clquant.quantize, on[::-1], 1.0, out=out)
        refused(ValueError, ["(1, 6) of x, None of y", "equal"], clquant.fake_quantize, on.T, 1.0,
                out=cla.empty(queue, (6, 4), np.float32))
        refused(clquant.InvalidArgument, ["native has no cl_mem"], clquant.quantize, on, 1.0, out=out,
                device=clquant.Context("native"))
        other = cl.CommandQueue(cl.Context([queue.device]))
        refused(clquant.Error, ["context"], clquant.quantize, on, 1.0, out=out, queue=other)
        image = getattr(cl, "create_image", cl.Image)(queue.context, cl.mem_flags.READ_ONLY, cl.ImageFormat(cl.channel_order.RGBA, cl.channel_type.FLOAT),
                         shape=(4, 4))
        refused(clquant.InvalidArgument, ["buffer"], clquant.quantize, image, 1.0, shape=(4,), real="f32",
                out=cla.empty(queue, 4, np.int8), queue=queue)

    def test_a_module_without_opencl(self):
        class Without:
            def __getattr__(self, name):
                if name in ("clq_context_from_opencl", "clq_buffer_from_opencl"):
                    raise AttributeError(name)
                return getattr(lib, name)

        queue = self.queues[0]
        on, out = cla.to_device(queue, random((4, 6))), cla.empty(queue, (4, 6), np.int8)
        with mock.patch.object(clquant._context, "lib", Without()), mock.patch.object(clquant._run, "lib", Without()):
            for function in (lambda: clquant.Context.from_pyopencl(queue), lambda: clquant.quantize(on, 1.0, out=out),
                             lambda: clquant.quantize(on, 1.0, out=out, device=clquant.Context("native"))):
                error = self.assert_refused(clquant.Unsupported, ["built without OpenCL"], function)
                self.assertEqual(error.status, lib.CLQ_UNSUPPORTED)

    def test_dlpack_of_opencl(self):
        """A cl_mem in a DLTensor: its handle, and where in it the tensor begins."""
        x = random((3, 7))
        want = clquant.quantize(x, 0.5, device="reference")
        for queue in self.queues:
            whole = cla.to_device(queue, np.concatenate([np.zeros(4, "f4"), x.ravel()]))
            out = cla.empty(queue, x.shape, np.int8)
            clquant.quantize(Shared(whole, x.shape, 16), 0.5, out=out, queue=queue).wait()
            self.assert_same(out.get(), want)

    def test_every_function_on_dlpack_of_opencl(self):
        """Inputs and outputs are tensors of DLPack, behind a gate; strides too."""
        x = random((6, 32))
        w = np.random.default_rng(7).integers(-128, 128, (32, 5), np.int8)
        want = clquant.dynamic_quantize(x, axis=0, device="reference")
        back = clquant.dequantize(want.codes, want.scale, axis=0, device="reference")
        for queue in self.queues:
            on, y = cla.to_device(queue, x), cla.empty(queue, x.shape, np.float32)
            made = clquant.Quantized(*(cla.empty(queue, part.shape, part.dtype) for part in want))
            shown = clquant.Quantized(*map(Shared, made))
            found = clquant.Range(cla.empty(queue, (6, 2), np.float32), cla.empty(queue, 2, np.uint64))
            b, c = cla.to_device(queue, w), cla.empty(queue, (6, 5), np.int32)
            columns = cla.to_device(queue, np.repeat(x, 2, 1))
            queue.finish()
            self.gated(queue, lambda wait: clquant.dynamic_quantize(Shared(on), axis=0, out=shown, queue=queue, wait_for=wait))
            self.gated(queue, lambda wait: clquant.minmax(Shared(on), axis=0, out=clquant.Range(*map(Shared, found)),
                                                          queue=queue, wait_for=wait))
            self.gated(queue, lambda wait: clquant.dequantize(shown.codes, shown.scale, axis=0, out=Shared(y), queue=queue,
                                                              wait_for=wait))
            self.gated(queue, lambda wait: clquant.gemm(shown.codes, Shared(b), out=Shared(c), queue=queue, wait_for=wait))
            for got, wanted, name in zip(made, want, made._fields):
                self.assert_same(got.get(), wanted, name)
            self.assert_same(found.range.get(), want.range)
            self.assert_same(y.get(), back)
            self.assert_same(c.get(), clquant.gemm(want.codes, w, device="reference"))
            made.codes.fill(0)
            queue.finish()
            self.gated(queue, lambda wait: clquant.quantize(Shared(columns, x.shape, 0, (64, 2)), want.scale, axis=0,
                                                            out=shown.codes, queue=queue, wait_for=wait))
            self.assert_same(made.codes.get(), want.codes)
            got = clquant.calibrate([Shared(on)], axis=0, queue=queue, method="mse")
            self.assert_same(got.range, clquant.calibrate([x], axis=0, method="mse", device="reference").range)

    def test_calibrate_takes_arrays(self):
        """Arrays of pyopencl and parts of one; what has no shape, or gaps, is refused with what to do."""
        batches = [random((5, 3, 8), seed) for seed in (1, 2, 3)]
        for queue in self.queues:
            whole = cla.to_device(queue, np.concatenate(batches))
            for method in ("minmax", "moving-average", "percentile:99"):
                want = clquant.calibrate(batches, axis=1, method=method, device="reference")
                for given in ([cla.to_device(queue, batch) for batch in batches], [whole[i:i + 5] for i in (0, 5, 10)]):
                    got = clquant.calibrate(given, axis=1, method=method)
                    self.assertEqual(type(got.range), np.ndarray)
                    for mine, wanted, name in zip(got, want, got._fields):
                        self.assert_same(mine, wanted, f"{name} by {method}")
            self.assert_refused(TypeError, ["batches[0] is a buffer", "data=buffer"], clquant.calibrate, [whole.data],
                                queue=queue)
            self.assert_refused(clquant.Unsupported, ["strides were given"], clquant.calibrate, [whole[:, :, ::2]], axis=1)

    def test_either_loader_may_come_first(self):
        """pyopencl may bring a loader of its own; handles go from one to the other."""
        program = """
import sys, numpy
def first():
    import clquant
    return clquant.devices()
def second():
    import pyopencl
    return pyopencl.get_platforms()
for step in (first, second) if sys.argv[1] == "ours" else (second, first):
    step()
import pyopencl as cl, pyopencl.array as cla, clquant
for platform in cl.get_platforms():
    for device in platform.get_devices():
        queue = cl.CommandQueue(cl.Context([device]))
        out = cla.empty(queue, 4, numpy.int8)
        clquant.quantize(cla.to_device(queue, numpy.arange(4, dtype="f4")), 1.0, out=out).wait()
        assert out.get().tolist() == [0, 1, 2, 3]
"""
        for order in ("ours", "theirs"):
            python(program, order)


class Shared:
    """A pyopencl array, or a part of its memory, shown by DLPack: `strides` in elements where it has some."""

    class Tensor(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                    ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
                    ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                    ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
                    ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

    def __init__(self, array, shape=None, offset=0, strides=None):
        self.array = array
        shape = array.shape if shape is None else shape
        self.shape = (ctypes.c_int64 * len(shape))(*shape)
        self.strides = (ctypes.c_int64 * len(shape))(*strides) if strides else None
        code = {"i": 0, "u": 1, "f": 2}[array.dtype.kind]
        self.tensor = self.Tensor(array.base_data.int_ptr, 4, 0, len(shape), code, 8 * array.dtype.itemsize, 1, self.shape,
                                  self.strides, array.offset + offset, None, None)

    def __dlpack_device__(self):
        return 4, 0

    def __dlpack__(self):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.tensor), b"dltensor", None)


if __name__ == "__main__":
    unittest.main()
