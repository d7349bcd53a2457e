# SPDX-License-Identifier: Apache-2.0
"""Records: calls put together once and enqueued many times, behind a gate, with what they were made of gone."""
import gc
import os
import pickle
import threading
import time
import unittest
import weakref
from unittest import mock

import numpy as np

import clquant
from clquant._clquant import ffi
from support import OnQueues, cl, cla, is_complete, python, random


def filled(queue, like):
    """Arrays of these shapes and types, of ones, which no result here is."""
    made = [cla.empty(queue, part.shape, part.dtype) for part in like]
    for part in made:
        part.fill(1)
    queue.finish()
    return made


class Records(OnQueues):
    def test_every_operation(self):
        """Recorded once and run on two tensors, one after the other in the same memory."""
        first, second = random((6, 33)), random((6, 33), seed=2)
        how = {"axis": 0, "scheme": "tflite"}
        for queue in self.queues:
            want = [clquant.dynamic_quantize(x, device="reference", **how) for x in (first, second)]
            back = [clquant.dequantize(q.codes, q.scale, q.zero_point, device="reference", **how) for q in want]
            on = cla.to_device(queue, first)
            made = clquant.Quantized(*filled(queue, want[0]))
            found = clquant.Range(*filled(queue, want[0][3:]))
            chosen = filled(queue, want[0][1:3])
            codes, = filled(queue, [want[0].codes])
            y, fake = filled(queue, [back[0]] * 2)
            parameters = made.scale, made.zero_point
            records = [clquant.record(clquant.dynamic_quantize, on, out=made, **how),
                       clquant.record(clquant.minmax, on, out=found, axis=0),
                       clquant.record(clquant.choose_parameters_from, found.range, out=chosen, scheme="tflite"),
                       clquant.record(clquant.quantize, on, *parameters, out=codes, **how),
                       clquant.record(clquant.dequantize, codes, *parameters, out=y, **how),
                       clquant.record(clquant.fake_quantize, on, *parameters, out=fake, **how)]
            queue.finish()
            self.assertTrue((codes.get() == 1).all())  # nothing ran
            for x, q, real in zip((first, second), want, back):
                on.set(x)
                gate = cl.UserEvent(queue.context)
                events = [record.enqueue([gate] if i == 0 else None) for i, record in enumerate(records)]
                # in any order but for what they read, behind the first
                self.assertFalse(is_complete(events[0]) or is_complete(events[3]) or is_complete(events[4]))
                gate.set_status(cl.command_execution_status.COMPLETE)
                cl.wait_for_events(events)
                for got, wanted, name in zip(made, q, q._fields):
                    self.assert_same(got.get(), wanted, name)
                for got, wanted in zip((*found, *chosen), (q.range, q.nonfinite, q.scale, q.zero_point)):
                    self.assert_same(got.get(), wanted)
                for got, wanted in (codes, q.codes), (y, real), (fake, real):
                    self.assert_same(got.get(), wanted)

    def test_many_runs_behind_a_gate(self):
        """However many, none waits; each is behind the one before it, also where nothing else says so."""
        x = random((8, 64))
        want = clquant.quantize(x, 0.5, device="reference")
        for queue in self.queues:
            source = cl.Buffer(queue.context, cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR, hostbuf=x)
            target = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, x.size)
            record = clquant.record(clquant.quantize, source, 0.5, shape=x.shape, real="f32", out=target, queue=queue)
            gate = cl.UserEvent(queue.context)
            events = [record.enqueue([gate])] + [record.enqueue() for _ in range(100)]
            time.sleep(0.02)
            self.assertFalse(any(map(is_complete, events)))
            gate.set_status(cl.command_execution_status.COMPLETE)
            events[-1].wait()
            self.assertTrue(all(map(is_complete, events)))
            got = np.empty_like(want)
            cl.enqueue_copy(queue, got, target)
            self.assert_same(got, want)

    def test_arrays_carry_the_events(self):
        """A run waits for what fills its arrays, and who reads its results waits for it."""
        x = random((8, 64))
        for queue in self.queues:
            on, out = cla.zeros(queue, x.shape, np.float32), cla.zeros(queue, x.shape, np.int8)
            record = clquant.record(clquant.quantize, on, 0.5, out=out)
            source = cla.to_device(queue, x)
            queue.finish()
            gate = cl.UserEvent(queue.context)
            on.events[:] = [cl.enqueue_copy(queue, on.base_data, source.base_data, wait_for=[gate])]
            event = record.enqueue()
            self.assertEqual([e.int_ptr for e in out.events], [event.int_ptr])
            y = cla.zeros(queue, x.shape, np.float32)
            clquant.dequantize(out, 0.5, out=y)
            self.assertFalse(is_complete(event))
            gate.set_status(cl.command_execution_status.COMPLETE)
            self.assert_same(y.get(), clquant.fake_quantize(x, 0.5, device="reference"))

    def test_everything_else_goes(self):
        """Arrays, a pool's too, weights, workspace and the context are dropped; then the record, before its runs."""
        x = random((5000,))
        w = np.random.default_rng(5).integers(-128, 128, (50, 7), np.int8)
        for queue in self.queues:
            pool = cl.tools.MemoryPool(cl.tools.ImmediateAllocator(queue))
            context = clquant.Context.from_pyopencl(queue)
            want = clquant.dynamic_quantize(x, device="reference")
            made = clquant.Quantized(*(cla.zeros(queue, part.shape, part.dtype) for part in want))
            on = cla.empty(queue, x.shape, np.float32, allocator=pool)
            on.set(x)
            held = weakref.ref(on)
            need = clquant.prepare("dynamic-quantize", x.shape, device=context).workspace_bytes
            scratch = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, max(need, 16))
            first = clquant.record(clquant.dynamic_quantize, on, out=made, device=context, workspace=scratch)
            a = cla.empty(queue, (100, 50), np.int8, allocator=pool)
            a.set(np.arange(5000).astype(np.int8).reshape(100, 50))
            out = cla.zeros(queue, (100, 7), np.int32)
            weights = clquant.Weights(cla.to_device(queue, w), device=context)
            second = clquant.record(clquant.gemm, a, weights, out=out)
            wanted = clquant.gemm(a.get(), w, device="reference")
            queue.finish()
            context.close()
            del on, a, weights, scratch, context
            gc.collect()
            self.assertIsNotNone(held())
            for _ in range(4):  # what the pool has to give
                spoiled = cla.empty(queue, 5000, np.float32, allocator=pool)
                spoiled.fill(-7)
            queue.finish()
            gate = cl.UserEvent(queue.context)
            events = [first.enqueue([gate]), second.enqueue([gate])]
            del first, second
            gc.collect()
            gate.set_status(cl.command_execution_status.COMPLETE)
            cl.wait_for_events(events)
            for got, part, name in zip(made, want, made._fields):
                self.assert_same(got.get(), part, name)
            self.assert_same(out.get(), wanted)
            self.assertIsNone(held())

    def test_numbers_are_those_of_the_recording(self):
        queue = self.queues[0]
        x = random((3, 5))
        scale = np.float32([0.5, 0.25, 2])
        on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
        want = clquant.quantize(x, scale, axis=0, device="reference")
        record = clquant.record(clquant.quantize, on, scale, axis=0, out=out)
        scale[:] = 7
        record.enqueue().wait()
        self.assert_same(out.get(), want)

    def test_products(self):
        """Of codes and of reals, with packed weights and without; strided views."""
        rng = np.random.default_rng(3)
        a, w = rng.integers(-128, 128, (9, 40), np.int8), rng.integers(-128, 128, (40, 12), np.int8)
        x = random((9, 40))
        for queue in self.queues:
            b = cla.to_device(queue, w)
            out = cla.zeros(queue, (9, 12), np.int32)
            self.gated(queue, clquant.record(clquant.gemm, cla.to_device(queue, a), b, out=out).enqueue)
            self.assert_same(out.get(), clquant.gemm(a, w, device="reference"))
            wide = cla.to_device(queue, np.hstack([x, x]))
            y = cla.zeros(queue, (9, 12), np.float32)
            record = clquant.record(clquant.gemm, wide[:, 40:], clquant.Weights(b), b_scale=0.5, out=y)
            for _ in range(2):
                self.gated(queue, record.enqueue)
                self.assert_same(y.get(), clquant.gemm(x, w, b_scale=0.5, device="reference"))
                y.fill(0)

    def test_batches(self):
        """Parts of one array, of several sizes; each as a call by itself makes it."""
        x = random((4000,))
        ends = [0, 7, 8, 300, 1500, 4000]
        parts = [np.s_[a:b] for a, b in zip(ends, ends[1:])]
        for queue in self.queues:
            on, codes = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
            scale, zero = cla.to_device(queue, np.float32([0.5, 1, 2, 0.25, 3])), cla.zeros(queue, 1, np.int32)
            record = clquant.record_batch(clquant.quantize, ({"x": on[part], "scale": scale[i:i + 1], "out": codes[part]}
                                                             for i, part in enumerate(parts)), zero_point=zero)
            del zero
            for _ in range(2):
                codes.fill(0)
                self.gated(queue, record.enqueue)
                for i, part in enumerate(parts):
                    self.assert_same(codes.get()[part], clquant.quantize(x[part], scale.get()[i], device="reference"))
            found = [clquant.Range(cla.zeros(queue, 2, np.float32), cla.zeros(queue, 2, np.uint64)) for _ in parts]
            with mock.patch.object(clquant._run.Call, "destroy", autospec=True,
                                   side_effect=clquant._run.Call.destroy) as destroyed:
                record = clquant.record_batch(clquant.minmax, [{"x": on[part], "out": out}
                                                               for part, out in zip(parts, found)])
            self.assertEqual(destroyed.call_count, len(parts))
            self.gated(queue, record.enqueue)
            for part, out in zip(parts, found):
                want = clquant.minmax(x[part], device="reference")
                self.assert_same(out.range.get(), want.range)
                self.assert_same(out.nonfinite.get(), want.nonfinite)

    def test_threads(self):
        """Any number of them enqueue one record."""
        x = random((64,))
        for queue in self.queues:
            on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
            record = clquant.record(clquant.quantize, on, 0.5, out=out)
            gate = cl.UserEvent(queue.context)
            made, failed = [], []

            def many():
                try:
                    made.extend(record.enqueue([gate]) for _ in range(50))
                except Exception as error:  # noqa: BLE001 (told below)
                    failed.append(error)

            threads = [threading.Thread(target=many) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((failed, len(made), any(map(is_complete, made))), ([], 200, False))
            gate.set_status(cl.command_execution_status.COMPLETE)
            cl.wait_for_events(made)
            self.assert_same(out.get(), clquant.quantize(x, 0.5, device="reference"))

    def test_interrupted_behind_a_run(self):
        """Ctrl-C that comes when it is enqueued: it runs, and the array that it writes waits for it."""
        queue = self.queues[0]
        x = random((64,))
        on, out = cla.to_device(queue, x), cla.zeros(queue, x.shape, np.int8)
        record = clquant.record(clquant.quantize, on, 0.5, out=out)
        enqueue = clquant._record._enqueue

        def interrupted(*arguments):
            enqueue(*arguments)
            raise KeyboardInterrupt

        queue.finish()
        gate = cl.UserEvent(queue.context)
        with mock.patch.object(clquant._record, "_enqueue", interrupted), self.assertRaises(KeyboardInterrupt):
            record.enqueue([gate])
        self.assertEqual([is_complete(event) for event in out.events], [False])
        gate.set_status(cl.command_execution_status.COMPLETE)
        self.assert_same(out.get(), clquant.quantize(x, 0.5, device="reference"))
        record.enqueue().wait()

    def test_failures(self):
        """What the library refuses is told, and the record may be enqueued again."""
        queue = self.queues[0]
        on, out = cla.to_device(queue, random((64,))), cla.zeros(queue, 64, np.int8)
        record = clquant.record(clquant.quantize, on, 0.5, out=out)
        before = list(out.events)
        enqueue = clquant._record._enqueue
        with mock.patch.object(clquant._record, "_enqueue", lambda record, *rest: enqueue(ffi.NULL, *rest)):
            self.assert_refused(clquant.InvalidArgument, ["clq_record_enqueue", "NULL"], record.enqueue)
        self.assertEqual(out.events, before)
        record.enqueue().wait()

    def test_refusals(self):
        queue = self.queues[0]
        x = random((4, 6))
        on, out = cla.to_device(queue, x), cla.empty(queue, (4, 6), np.int8)
        refused = self.assert_refused
        record, quantize = clquant.record, clquant.quantize
        refused(TypeError, ["plan cannot be recorded", "quantize"], record, clquant.plan, "quantize", (4, 6))
        refused(TypeError, ["wait_for=", "Record.enqueue"], record, quantize, on, 0.5, out=out, wait_for=[])
        refused(TypeError, ["records are for memory of OpenCL"], record, quantize, x, 0.5)
        refused(TypeError, ["records are for memory of OpenCL"], record, clquant.gemm, np.ones((2, 2), "i1"),
                np.ones((2, 2), "i1"))
        refused(TypeError, ["out is required"], record, quantize, on, 0.5)
        refused(ValueError, ["out has the shape (6, 4)"], record, quantize, on, 0.5, out=out.T)
        large = cla.zeros(queue, 1 << 16, np.float32)
        found = clquant.Range(cla.empty(queue, 2, np.float32), cla.empty(queue, 2, np.uint64))
        need = clquant.plan("minmax", large.shape, device=clquant._opencl.context_of(queue)).workspace_bytes
        if need > 16:
            small = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 16)
            refused(clquant.InvalidArgument, ["workspace", str(need)], record, clquant.minmax, large, out=found,
                    workspace=small)
        batch = clquant.record_batch
        refused(ValueError, ["no calls"], batch, quantize, [])
        refused(TypeError, ["no batch"], batch, clquant.gemm, [])
        refused(TypeError, ["plan cannot be recorded"], batch, clquant.plan, [])
        refused(TypeError, ["wait_for="], batch, quantize, [{"x": on, "out": out}], scale=0.5, wait_for=None)
        refused(TypeError, ["call 1", "x is of s8"], batch, quantize, [{"x": on, "out": out}, {"x": out, "out": out}],
                scale=0.5)
        refused(clquant.InvalidArgument, ["1"], batch, quantize, [{"x": on, "out": out}] * 2, scale=0.5)
        other = cl.CommandQueue(queue.context)
        there = cla.to_device(other, x), cla.empty(other, (4, 6), np.int8)
        refused(ValueError, ["call 1", "different queues"], batch, quantize,
                [{"x": on, "out": out}, {"x": there[0], "out": there[1]}], scale=0.5)
        made = record(quantize, on, 0.5, out=out)
        refused(TypeError, ["belongs to its process"], pickle.dumps, made)
        self.assertIs(made.queue, queue)

    @unittest.skipUnless(hasattr(os, "fork"), "a fork")
    def test_a_forked_child(self):
        """Is told; and it does not give back what is the parent's."""
        program = """
import os, numpy, pyopencl as cl, pyopencl.array as cla, clquant
queue = cl.CommandQueue(cl.Context([cl.get_platforms()[0].get_devices()[0]]))
out = cla.zeros(queue, 4, numpy.int8)
record = clquant.record(clquant.quantize, cla.to_device(queue, numpy.arange(4, dtype="f4")), 1.0, out=out)
child = os.fork()
if child == 0:
    try:
        record.enqueue()
    except RuntimeError as error:
        del record
        os._exit("forked" not in str(error))
    os._exit(2)
assert os.waitpid(child, 0)[1] == 0
record.enqueue().wait()
assert out.get().tolist() == [0, 1, 2, 3]
"""
        python(program)


if __name__ == "__main__":
    unittest.main()
