# SPDX-License-Identifier: Apache-2.0
"""Tensors that come by DLPack, of torch where it is there: in place, in both forms of the protocol."""
import ctypes
import gc
import unittest
import weakref

import numpy as np

import clquant
from support import Case, host_devices, random

try:
    import torch
except ImportError:
    torch = None

_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class Old(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager", ctypes.c_void_p),
                ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", Tensor)]


class Producer:
    """Shows an array of NumPy as another library would."""

    def __init__(self, array, code, *, versioned=False, offset=0, device=1, flags=0, major=1, strides=False):
        self.array, self.code, self.versioned, self.device, self.strides = array, code, versioned, device, strides
        self.offset, self.flags, self.major, self.alive = offset, flags, major, []

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **arguments):
        if not self.versioned and arguments:
            raise TypeError("unexpected keyword argument 'max_version'")
        managed = Versioned() if self.versioned else Old()
        if self.versioned:
            managed.major, managed.flags = self.major, self.flags
        rank = self.array.ndim
        shape = (ctypes.c_int64 * rank)(*self.array.shape)
        strides = (ctypes.c_int64 * rank)(*(step // self.array.itemsize for step in self.array.strides))
        managed.tensor = Tensor(self.array.ctypes.data - self.offset, self.device, 0, rank, self.code,
                                8 * self.array.itemsize, 1, shape, strides if self.strides else None, self.offset)
        self.alive.append((managed, shape, strides))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(managed), b"dltensor_versioned" if self.versioned else b"dltensor", None)


class DLPack(Case):
    def test_both_forms(self):
        x = random((5, 12))
        for device in host_devices():
            want = clquant.dynamic_quantize(x, axis=0, device="reference")
            for versioned in (False, True):
                for strides in (False, True):
                    for offset in (0, 64):
                        shown = Producer(x, 2, versioned=versioned, offset=offset, strides=strides)
                        got = clquant.dynamic_quantize(shown, axis=0, device=device)
                        self.assert_same(got.codes, want.codes)
            out = np.zeros((5, 12), "i1")
            clquant.quantize(Producer(x, 2), want.scale, axis=0, out=Producer(out, 0), device=device)
            self.assert_same(out, want.codes)
            strided = Producer(x.T[1::2], 2, strides=True)
            self.assert_same(clquant.quantize(strided, 0.5, device=device), clquant.quantize(x.T[1::2].copy(), 0.5))
            clquant.quantize(x.T.copy(), 0.5, out=Producer(out.T, 0, strides=True), device=device)
            self.assert_same(out, clquant.quantize(x, 0.5))

    def test_bf16(self):
        bits = (random((5, 12)).view("u4") >> 16).astype("u2")
        self.assert_same(clquant.dynamic_quantize(Producer(bits, 4)).codes, clquant.dynamic_quantize(bits, real="bf16").codes)

    def test_calibrate(self):
        batches = [random((5, 12), seed) for seed in (1, 2)]
        want = clquant.calibrate(batches, axis=1, method="mse", device="reference")
        for device in host_devices():
            for versioned in (False, True):
                shown = [Producer(batch, 2, versioned=versioned, flags=1) for batch in batches]  # read only
                self.assert_same(clquant.calibrate(shown, axis=1, method="mse", device=device).range, want.range)
        shown = [Producer(np.asfortranarray(batch), 2, strides=True) for batch in batches]
        self.assert_same(clquant.calibrate(shown, axis=1, method="mse", device="native").range, want.range)

    def test_refusals(self):
        x = random((4, 6))
        refused = self.assert_refused
        refused(TypeError, ["type 2", "host"], clquant.quantize, Producer(x, 2, device=2), 1.0)
        refused(ValueError, ["x has strides of (-6, 1)"], clquant.quantize, Producer(x[::-1], 2, strides=True), 1.0)
        for flags in (1, 2):  # read-only, a copy
            refused(ValueError, ["out is read-only"], clquant.quantize, x, 1.0,
                    out=Producer(np.zeros((4, 6), "i1"), 0, versioned=True, flags=flags))
            refused(ValueError, ["out is read-only"], clquant.gemm, x.astype("i1"), x.astype("i1").T,
                    out=Producer(np.zeros((4, 4), "i4"), 0, versioned=True, flags=flags))
            self.assert_same(clquant.quantize(Producer(x, 2, versioned=True, flags=flags), 1.0), clquant.quantize(x, 1.0))
        refused(TypeError, ["version 2"], clquant.quantize, Producer(x, 2, versioned=True, major=2), 1.0)
        refused(TypeError, ["DLPack's (2, 64)"], clquant.quantize, Producer(np.ones(3), 2), 1.0)
        refused(TypeError, ["queue= is required"], clquant.quantize, Producer(x, 2, device=4), 1.0,
                out=Producer(np.zeros((4, 6), "i1"), 0, device=4))

    def test_nothing_is_kept(self):
        x = random((4, 6))
        seen = weakref.ref(x)
        clquant.quantize(x, 1.0)
        clquant.quantize(Producer(x, 2), 1.0)
        del x
        gc.collect()
        self.assertIsNone(seen())


@unittest.skipIf(torch is None, "torch is not there")
class Torch(Case):
    def test_tensors_in_and_out(self):
        x = random((6, 64))
        want = clquant.dynamic_quantize(x, axis=0, device="reference")
        for device in host_devices():
            q = clquant.dynamic_quantize(torch.from_numpy(x), axis=0, device=device)
            self.assertEqual((q.codes.dtype, q.scale.dtype, q.zero_point.dtype), (torch.int8, torch.float32, torch.int32))
            self.assert_same(q.codes.numpy(), want.codes)
            y = clquant.dequantize(q.codes, q.scale, axis=0, device=device)
            self.assert_same(y.numpy(), clquant.dequantize(want.codes, want.scale, axis=0))
            out = torch.empty((6, 64), dtype=torch.int8)
            self.assertIs(clquant.quantize(torch.from_numpy(x), q.scale, axis=0, out=out, device=device), out)
            self.assertTrue(torch.equal(out, q.codes))
            half = torch.from_numpy(x).to(torch.float16)
            self.assert_same(clquant.dynamic_quantize(half).codes.numpy(), clquant.dynamic_quantize(x.astype("f2")).codes)

    def test_calibrate(self):
        batches = [random((5, 12), seed) for seed in (1, 2)]
        got = clquant.calibrate([torch.from_numpy(batch) for batch in batches], axis=1)
        self.assert_same(got.range, clquant.calibrate(batches, axis=1).range)

    def test_bf16(self):
        x = torch.from_numpy(random((6, 64))).to(torch.bfloat16)
        want = clquant.dynamic_quantize(x.to(torch.float32))
        q = clquant.dynamic_quantize(x)
        self.assertTrue(torch.equal(q.codes, want.codes))
        y = clquant.fake_quantize(x, q.scale)
        self.assertEqual(y.dtype, torch.bfloat16)
        self.assertTrue(torch.equal(y, clquant.fake_quantize(x.to(torch.float32), q.scale).to(torch.bfloat16)))

    def test_products(self):
        a = torch.randint(-128, 128, (5, 33), dtype=torch.int8)
        w = torch.randint(-128, 128, (9, 33), dtype=torch.int8)
        self.assertTrue(torch.equal(clquant.gemm(a, w.T), a.to(torch.int32) @ w.T.to(torch.int32)))

    def test_refusals(self):
        x = torch.ones((4, 6))
        self.assertTrue(torch.equal(clquant.quantize(x.T, 1.0), clquant.quantize(x.T.contiguous(), 1.0)))
        self.assert_refused(ValueError, ["strides of (0, 1)"], clquant.quantize, x[:1].expand(3, 6), 1.0)
        with self.assertRaises(Exception):  # torch's own words
            clquant.quantize(x.requires_grad_(), 1.0)


if __name__ == "__main__":
    unittest.main()
