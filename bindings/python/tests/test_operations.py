# SPDX-License-Identifier: Apache-2.0
"""The operations on arrays of NumPy, against the command's results."""
import json
import unittest

import numpy as np

import clquant
from support import Case, host_devices, random, run, safetensors

# preset, type of codes, type of x, shape, axis, group size
CASES = [
    ("symmetric", None, "f4", (7, 33), None, None),
    ("symmetric", "s8", "f2", (7, 33), 0, None),
    ("onnx", "u8", "f4", (5, 4, 6), 1, None),
    ("tflite", "s8", "f4", (5, 4, 6), -1, None),
    ("torch", None, "f4", (4, 70), None, 32),
    ("affine", "u16", "f4", (3, 5), 0, None),
    ("snpe", None, "f2", (1000,), None, None),
    ("symmetric", "s4", "f4", (3, 5), None, None),
    ("affine", "u4", "f4", (6, 33), None, 16),
    ("symmetric", "s16", "f4", (70, 5), 0, 32),
    ("compressed-tensors-asymmetric", "s8", "f4", (6, 64), None, 32),
    ("scale-only", None, "f4", (9, 3), 1, None),
]


def between_others(shape, dtype):
    """A view of this shape, and a function that tells whether what lies between its elements is as it was."""
    whole = np.full([2 * length + 1 for length in shape], 99, dtype)
    view = whole[tuple(slice(1, 2 * length + 1, 2) for length in shape)]

    def is_kept():
        copy = whole.copy()
        copy[tuple(slice(1, 2 * length + 1, 2) for length in shape)] = 99
        return bool((copy == 99).all())
    return view, is_kept


def options_of(preset, dtype, axis, group_size):
    """The command's."""
    options = ["--preset", preset, "--min-rank", "0", "--device", "reference"]
    options += ["--dtype", dtype] if dtype else []
    options += ["--granularity", "group" if group_size else "tensor" if axis is None else "channel"]
    options += ["--group-size", group_size] if group_size else []
    return options + (["--axis", axis] if axis is not None else [])


def shape_of_file(shape, axis, group_size):
    """That of scales in a file: in one channel the rank of the tensor, per tensor [1]."""
    made = clquant.parameter_shape(shape, axis=axis, group_size=group_size)
    if group_size is None and axis is not None:
        made = tuple(length if i == axis % len(shape) else 1 for i, length in enumerate(shape))
    return made or (1,)


class Operations(Case):
    def test_quantize_is_the_commands(self):
        for number, (preset, dtype, real, shape, axis, group_size) in enumerate(CASES):
            x = random(shape, number, real)
            np.save(self.folder / "x.npy", x)
            run("quantize", self.folder / "x.npy", "-o", self.folder / "q.safetensors", "--force",
                *options_of(preset, dtype, axis, group_size))
            want = safetensors(self.folder / "q.safetensors")
            how = {"scheme": preset, "dtype": dtype, "axis": axis, "group_size": group_size}
            made_dtype = clquant.Scheme.preset(preset, dtype).dtype
            for device in host_devices():
                what = f"{preset} {dtype} {real} {shape} {axis} {group_size} on {device}"
                q = clquant.dynamic_quantize(x, device=device, **how)
                self.assert_same(q.codes, want["x"], what)
                self.assertEqual(q.codes.shape, want["x"].shape, what)
                self.assert_same(q.scale, want["x_scale"], what)
                self.assertEqual(want["x_scale"].shape, shape_of_file(shape, axis, group_size), what)
                zero_point = want.get("x_zero_point", np.zeros(q.scale.shape, np.int32))
                self.assert_same(q.zero_point, zero_point.astype(np.int32), what)
                self.assertEqual(q.nonfinite.tolist(), [0, 2**64 - 1])
                # And step by step.
                found = clquant.minmax(x, axis=axis, group_size=group_size, device=device)
                self.assert_same(found.range, q.range, what)
                self.assertEqual(found.range.shape, q.scale.shape + (2,), what)
                scale, zero = clquant.choose_parameters_from(found.range, scheme=preset, dtype=dtype, device=device)
                self.assert_same(scale, q.scale, what)
                self.assert_same(zero, q.zero_point, what)
                codes = clquant.quantize(x, scale, zero, device=device, **how)
                self.assert_same(codes, q.codes, what)
                back = clquant.dequantize(codes, scale, zero, device=device, real=x.dtype, shape=shape, **how)
                self.assertEqual(back.shape, shape)
                self.assert_same(clquant.fake_quantize(x, scale, zero, device=device, **how), back, what)
            if made_dtype not in ("s4", "u4"):  # whose file needs the metadata, which is the command's
                run("dequantize", self.folder / "q.safetensors", "-o", self.folder / "y.npy", "--force", "--dtype",
                    {"f4": "f32", "f2": "f16"}[real], "--device", "reference")
                self.assert_same(back, np.load(self.folder / "y.npy"), what)

    def test_minmax_is_the_commands(self):
        x = random((6, 9), 3)
        x[2, 3], x[4, 1] = np.nan, -np.inf
        np.save(self.folder / "x.npy", x)
        told = json.loads(run("minmax", self.folder / "x.npy", "--granularity", "channel", "--axis", 1, "--json",
                              "--nonfinite", "ignore", "--device", "reference"))["tensors"][0]
        for device in host_devices():
            found = clquant.minmax(x, axis=1, device=device)
            self.assertEqual(found.nonfinite.tolist(), [2, 2 * 9 + 3])
            self.assertEqual(found.range[:, 0].tolist(), [np.float32(v) for v in told["min"]])
            self.assertEqual(found.range[:, 1].tolist(), [np.float32(v) for v in told["max"]])

    def test_bf16(self):
        bits = random((4, 33), 5).view(np.uint32)
        bits = (bits >> 16).astype(np.uint16)  # truncated: bf16 exactly
        as_f32 = (bits.astype(np.uint32) << 16).view(np.float32)
        want = clquant.dynamic_quantize(as_f32, axis=0, device="reference")
        for device in host_devices():
            q = clquant.dynamic_quantize(bits, real="bf16", axis=0, device=device)
            for got, wanted in zip(q, want):
                self.assert_same(got, wanted, device)
            y = clquant.dequantize(q.codes, q.scale, axis=0, real="bf16", device=device)
            self.assertEqual(y.dtype, np.uint16)
            self.assert_same(clquant.fake_quantize(bits, q.scale, axis=0, real="bf16", device=device), y)
        try:
            import ml_dtypes
        except ImportError:
            return
        typed = bits.view(ml_dtypes.bfloat16)
        q = clquant.dynamic_quantize(typed, axis=0)
        self.assert_same(q.codes, want.codes)
        self.assert_same(clquant.dequantize(q.codes, q.scale, axis=0, real=ml_dtypes.bfloat16).view("u2"), y)
        self.assertEqual(clquant.fake_quantize(typed, q.scale, axis=0).dtype, typed.dtype)

    def test_edges_of_shapes(self):
        for device in host_devices():
            for shape, axis in (((0,), None), ((3, 0), 0), ((0, 3), 0), ((), None), ((1,) * 8, 7)):
                x = np.ones(shape, np.float32)
                q = clquant.dynamic_quantize(x, axis=axis, device=device)
                self.assertEqual(q.codes.shape, shape)
                self.assertEqual(q.codes.tolist(), np.full(shape, 127).tolist())
                self.assertEqual(clquant.dequantize(q.codes, q.scale, axis=axis, device=device).shape, shape)
            self.assertEqual(clquant.dynamic_quantize(np.ones((), "f4"), dtype="s4", device=device).codes.tolist(), [7])

    def test_outputs_are_the_callers(self):
        x = random((8, 8))
        for device in host_devices():
            out = np.empty((8, 8), np.int8)
            self.assertIs(clquant.quantize(x, 0.5, out=out, device=device), out)
            self.assert_same(out, clquant.quantize(x, np.float32(0.5), np.int32(0), device="reference"))
            y = x.copy()  # in place
            self.assertIs(clquant.fake_quantize(y, 0.5, out=y, device=device), y)
            self.assert_same(y, clquant.dequantize(out, 0.5))
            made = clquant.Quantized(*(np.empty_like(part) for part in clquant.dynamic_quantize(x, axis=0)))
            clquant.dynamic_quantize(x, axis=0, out=made, device=device)
            self.assert_same(made.codes, clquant.dynamic_quantize(x, axis=0, device="reference").codes)

    def test_part_of_a_larger_array(self):
        whole = random((5, 6, 7))
        for device in host_devices():
            self.assert_same(clquant.quantize(whole[2], 0.25, device=device),
                             clquant.quantize(whole[2].copy(), 0.25, device="reference"))

    def test_views_with_strides(self):
        """As of the dense copy, whatever lies between the elements, which stays as it is."""
        whole = random((6, 20, 11))
        views = {"transposed": whole[0].T, "columns": whole[1][:, 2:9], "every other": whole[2][:, ::2],
                 "permuted": whole.transpose(2, 0, 1)[::3], "Fortran": np.asfortranarray(whole[3]), "of one": whole[:, :1, 4:9]}
        for device in host_devices() + [self.copying(device) for device in host_devices()]:
            for what, x in views.items():
                for axis, group_size in ((None, None), (0, None), (-1, None), (None, 4)):
                    how = {"axis": axis, "group_size": group_size, "device": device}
                    what_all = f"{what} {how}"
                    want = clquant.dynamic_quantize(np.ascontiguousarray(x), **how)
                    for got, wanted in zip(clquant.dynamic_quantize(x, **how), want):
                        self.assert_same(got, wanted, what_all)
                    self.assert_same(clquant.minmax(x, **how).range, want.range, what_all)
                    codes, between = between_others(x.shape, "i1")
                    self.assertIs(clquant.quantize(x, want.scale, out=codes, **how), codes)
                    self.assert_same(codes, want.codes, what_all)
                    self.assertTrue(between(), what_all)
                    back = clquant.dequantize(want.codes, want.scale, **how)
                    y, between = between_others(x.shape, "f4")
                    clquant.dequantize(codes, want.scale, out=y, **how)
                    self.assert_same(y, back, what_all)
                    self.assertTrue(between(), what_all)
                    self.assert_same(clquant.fake_quantize(x, want.scale, **how), back, what_all)
                    y[...] = 0
                    clquant.fake_quantize(x, want.scale, out=y, **how)  # of two tensors with strides of their own
                    self.assert_same(y, back, what_all)
                    y[...] = x
                    clquant.fake_quantize(y, want.scale, out=y, **how)
                    self.assert_same(y, back, what_all)
                    self.assertTrue(between(), what_all)
            self.assert_same(clquant.quantize(views["transposed"], 0.25, dtype="s4", device=device),
                             clquant.quantize(views["transposed"].copy("C"), 0.25, dtype="s4", device="reference"))
            self.assert_same(clquant.quantize(views["transposed"].view("u4").astype("u2"), 0.25, real="bf16", device=device),
                             clquant.quantize(views["transposed"].view("u4").astype("u2").copy("C"), 0.25, real="bf16",
                                              device="reference"))

    def test_inputs_may_be_read_only(self):
        x = np.frombuffer(random((16,)).tobytes(), "f4")
        for device in host_devices():
            self.assert_same(clquant.quantize(x, 0.25, device=device), clquant.quantize(x.copy(), 0.25))


class Refusals(Case):
    def test_numbers_and_types_of_numpy(self):
        """Are those of Python that they equal."""
        x = random((4, 6))
        want = clquant.quantize(x, [0.25] * 6, [3] * 6, axis=1, dtype="u8", scheme="onnx", device="reference")
        scale = np.full(6, 0.25, "f4")
        for dtype in (np.uint8, np.dtype("u1"), "uint8"):
            for zero_point in ([3] * 6, np.full(6, 3, "i4")):
                self.assert_same(clquant.quantize(x, scale, zero_point, axis=np.int64(1), dtype=dtype, scheme="onnx",
                                                  device="reference"), want)
        want = clquant.quantize(x, 0.25, 3, device="reference")
        for given in ((np.float64(0.25), np.int64(3)), (np.float16(0.25), np.uint8(3)), (np.float32(0.25), np.int32(3))):
            self.assert_same(clquant.quantize(x, *given, device="reference"), want)
        self.assertEqual(clquant.parameter_shape([np.int64(4), 6], axis=0), (4,))

    def test_each_says_what_was_given_and_what_is_required(self):
        x = random((4, 6))
        refused = self.assert_refused
        q = clquant.quantize
        refused(TypeError, ["x is of float64", "f32", "astype"], q, x.astype("f8"), 1.0)
        refused(TypeError, ["x is of s32"], q, x.astype("i4"), 1.0)
        refused(TypeError, ["x is of u16", 'real="bf16"'], q, x.astype("u2"), 1.0)
        refused(TypeError, ["x is list"], q, [1.0], 1.0)
        refused(ValueError, ["byte order", ">f4"], q, x.astype(">f4"), 1.0)
        for odd, steps in ((x[::-1], "(-6, 1)"), (x[:, ::-2], "(6, -2)"), (np.broadcast_to(x[:1], (3, 6)), "(0, 1)"),
                           (np.zeros(4, [("a", "f4"), ("b", "i2"), ("c", "i2"), ("d", "i1")]).view("i1")[:12].view("f4")[::-1],
                            "(-1,)")):
            refused(ValueError, ["x has strides of " + steps, "at least 1", "ascontiguousarray"], q, odd, 1.0)
        refused(clquant.InvalidArgument, ["real_strides", "dimension 1"], q,
                np.lib.stride_tricks.sliding_window_view(x[0], 3), 1.0)
        refused(ValueError, ["scale is not contiguous", "(2,)"], q, x, np.ones(8, "f4")[::2], axis=0)
        refused(ValueError, ["batches[0] has strides of (-6, 1)", "ascontiguousarray"], clquant.calibrate, [x[::-1]])
        refused(ValueError, ["codes is not contiguous"], clquant.dequantize, np.zeros(8, "u1")[::2], 1.0, dtype="s4", shape=(8,))
        refused(ValueError, ["address"], q, np.frombuffer(b"\0" * 17, "u1")[1:].view("f4"), 1.0)
        refused(ValueError, ["scale has the shape (6,)", "(4,) or (4, 1)"], q, x, np.ones(6, "f4"), axis=0)
        refused(TypeError, ["scale is of float64"], q, x, np.ones(4), axis=0)
        refused(TypeError, ["scale is str"], q, x, "a")
        refused(TypeError, ["zero_point is 0.5"], q, x, 1.0, 0.5)
        refused(ValueError, ["zero_point is 2147483648", "int32"], q, x, 1.0, 2**31)
        refused(ValueError, ["axis is 2", "-2 to 1"], q, x, 1.0, axis=2)
        refused(ValueError, ["group_size is -1", "at least 0"], q, x, 1.0, group_size=-1)
        refused(ValueError, ["group_size is", "below 2^63"], q, x, 1.0, group_size=2**70)
        refused(TypeError, ["group_size is 2.0", "whole"], q, x, 1.0, group_size=2.0)
        refused(TypeError, ["axis is '0'", "whole"], q, x, 1.0, axis="0")
        refused(TypeError, ["shape is 1.5", "whole"], clquant.plan, "quantize", (1.5,))
        refused(ValueError, ["shape is -3", "at least 0"], clquant.plan, "quantize", (-3,))
        refused(TypeError, ["masked array", "x.filled"], q, np.ma.masked_array(x, x > 0), 1.0)
        refused(ValueError, ["scale is 1e+60", "fit an f32"], q, x, 1e60)
        refused(ValueError, ["dtype is <class 'numpy.float32'>", "s8, u8, s4"], q, x, 1.0, dtype=np.float32)
        refused(TypeError, ["out is ndarray", "tuple of 2", "range, nonfinite"], clquant.minmax, x, out=x)
        refused(TypeError, ["out is 1 arrays", "tuple of 5"], clquant.dynamic_quantize, x, out=(x,))
        refused(TypeError, ["out is 3 arrays", "tuple of 2"], clquant.choose_parameters_from, np.zeros((1, 2), "f4"), out=(x,) * 3)
        refused(clquant.InvalidArgument, ["group_size is 0"], q, x, 1.0, group_size=0)
        refused(ValueError, ["preset", "nonsense"], q, x, 1.0, scheme="nonsense")
        refused(ValueError, ["snpe"], q, x, 1.0, scheme="snpe", dtype="s8")
        refused(ValueError, ["dtype is 's3'", "s8"], q, x, 1.0, dtype="s3")
        refused(TypeError, ["scheme is int"], q, x, 1.0, scheme=3)
        refused(ValueError, ["beside a scheme"], q, x, 1.0, scheme=clquant.Scheme.preset("onnx"), dtype="s8")
        refused(TypeError, ["out is of u8", "s8"], q, x, 1.0, out=np.empty((4, 6), "u1"))
        refused(ValueError, ["out has the shape (6, 4)", "(4, 6)"], q, x, 1.0, out=np.empty((6, 4), "i1"))
        refused(ValueError, ["out has strides"], q, x, 1.0, out=np.empty((4, 6), "i1")[::-1])
        refused(ValueError, ["out is not contiguous"], q, x, 1.0, dtype="s4", out=np.empty(24, "u1")[::2])
        out = np.empty((4, 6), "i1")
        out.flags.writeable = False
        refused(ValueError, ["out is read-only"], q, x, 1.0, out=out)
        refused(ValueError, ["out is read-only, or a copy"], q, np.float32(1), 1.0, out=np.int8(0))
        refused(TypeError, ["queue="], q, x, 1.0, queue=object())
        refused(TypeError, ["wait_for="], q, x, 1.0, wait_for=[object()])
        refused(TypeError, ["shape= is required"], clquant.dequantize, np.zeros(3, "u1"), 1.0, dtype="s4")
        refused(ValueError, ["codes has the shape (3,)", "(4,)"], clquant.dequantize, np.zeros(3, "u1"), 1.0, dtype="s4",
                shape=(7,))
        refused(ValueError, ["real is 'f64'"], clquant.dequantize, np.zeros(3, "i1"), 1.0, real="f64")
        refused(clquant.InvalidArgument, ["rank is 9", "8"], q, np.ones((1,) * 9, "f4"), 1.0)
        refused(clquant.NoDevice, ["nowhere"], q, x, 1.0, device="nowhere")
        overlapping = np.zeros(24, "u1")
        refused(clquant.InvalidArgument, ["overlap"], q, overlapping.view("f4"), 1.0, out=overlapping[:6].view("i1"))

    def test_numbers_of_scales_are_f32(self):
        x = random((4, 6))
        self.assert_same(clquant.quantize(x, [0.1, 0.2, 0.3, 0.4], axis=0),
                         clquant.quantize(x, np.array([0.1, 0.2, 0.3, 0.4], "f4"), axis=0))


if __name__ == "__main__":
    unittest.main()
