# SPDX-License-Identifier: Apache-2.0
"""Products, against the command's, and each form of the operands against the plainest."""
import unittest

import numpy as np

import clquant
from support import Case, host_devices, missing, random, run

draw = np.random.default_rng(7)


def codes(shape, dtype="i1"):
    limits = np.iinfo(dtype)
    return draw.integers(limits.min, limits.max + 1, shape).astype(dtype)


class Gemm(Case):
    def the_commands(self, a, b, *options, **files):
        np.save(self.folder / "a.npy", a)
        np.save(self.folder / "b.npy", b)
        for name, array in files.items():
            np.save(self.folder / f"{name}.npy", array)
            options += ("--" + name.replace("_", "-"), self.folder / f"{name}.npy")
        run("gemm", self.folder / "a.npy", self.folder / "b.npy", "-o", self.folder / "c.npy", "--force", "--device",
            "reference", *options)
        return np.load(self.folder / "c.npy")

    def assert_everywhere(self, want, *arguments, **options):
        for device in host_devices():
            got = clquant.gemm(*arguments, device=device, **options)
            self.assertEqual(got.shape, want.shape)
            self.assert_same(got, want, device)

    def test_sums(self):
        for types in (("i1", "i1"), ("u1", "i1"), ("u1", "u1")):
            a, b = codes((5, 37), types[0]), codes((37, 9), types[1])
            want = self.the_commands(a, b)
            self.assert_everywhere(want, a, b)
            wide = self.the_commands(a, b, a_zero_point=codes((5,)).astype("i4"), b_zero_point=np.array([3], "i4"))
            self.assert_everywhere(wide, a, b, a_zero_point=np.load(self.folder / "a_zero_point.npy"), b_zero_point=3)

    def test_matrices_in_place(self):
        """Transposed, cut out of larger ones, and batches; results into a part of a larger one."""
        a, b = codes((5, 37)), codes((37, 9))
        want = self.the_commands(a, b)
        self.assert_everywhere(want, np.asfortranarray(a), b)
        self.assert_everywhere(want, a, np.ascontiguousarray(b.T).T)
        self.assert_everywhere(want, a, np.ascontiguousarray(b.T), b_transposed=True)
        large = codes((12, 60))
        large[3:8, 20:57] = a
        self.assert_everywhere(want, large[3:8, 20:57], b)
        self.assert_everywhere(want, np.ascontiguousarray(large.T).T[3:8, 20:57], b)
        batches = np.stack([a, codes((5, 37)), codes((5, 37))])
        each = np.stack([self.the_commands(part, b) for part in batches])
        self.assert_everywhere(each, batches, b)
        self.assert_everywhere(each, batches, np.broadcast_to(b, (3, 37, 9)))
        self.assert_everywhere(each[::2], batches[::2], b)
        self.assert_everywhere(each[:, -1:], batches[:, ::-1][:, :1], b)
        for device in host_devices():
            out = np.full((7, 20), 99, "i4")
            clquant.gemm(a, b, out=out[1:6, 4:13], device=device)
            self.assert_same(out[1:6, 4:13].copy(), want)
            out[1:6, 4:13] = 99
            self.assertTrue((out == 99).all())

    def test_outputs(self):
        a, b = codes((5, 37), "u1"), codes((37, 9))
        a_scale, b_scale = draw.random(5).astype("f4"), draw.random(9).astype("f4")
        want = self.the_commands(a, b, "--dtype", "f32", scale_a=a_scale, scale_b=b_scale)
        self.assert_everywhere(want, a, b, dtype="f32", a_scale=a_scale, b_scale=b_scale[None])
        bias = codes((9,)).astype("i4") * 50
        multiplier, shift = zip(*(clquant.multiplier_from_real(real) for real in draw.random(9) / 500))
        multiplier, shift = np.array(multiplier, "i4"), np.array(shift, "i4")
        for mode in ("double", "single", "single-away"):
            want = self.the_commands(a, b, "--dtype", "u8", "--requant", mode, "--c-zero-point", "7", "--clamp", "7:255", bias=bias,
                                     multiplier=multiplier, shift=shift)
            self.assert_everywhere(want, a, b, dtype="u8", requantize=mode, c_zero_point=7, minimum=7, bias=bias,
                                   multiplier=multiplier, shift=shift)
        want = self.the_commands(a, b, "--dtype", "s8", "--requant", "float", "--multiplier", "0.001953125")
        self.assert_everywhere(want, a, b, dtype="s8", requantize="float", multiplier=0.001953125)

    def test_groups_of_packed_codes(self):
        """A row of the figures of docs/library.md, and groups against the sums of each group."""
        w = np.array([0x21, 0xF3, 0x70, 0x08], "u1")  # 1, 2, 3, -1 and 0, 7, -8, 0
        x = clquant.dynamic_quantize(np.array([[1.0, 0.0, -1.0, 0.5]], "f4"), scheme="tflite", axis=0)
        arguments = dict(a_scale=x.scale, a_zero_point=x.zero_point, b_scale=np.array([[0.5], [0.25]], "f4"))
        packed = dict(dtype="s4", shape=(2, 4), transposed=True, k_group=128)
        for device in host_devices():
            y = clquant.gemm(x.codes, w, k_group=128, b_dtype="s4", b_shape=(2, 4), b_transposed=True, device=device,
                             **arguments)
            self.assertEqual([f"{value:.3f}" for value in y[0]], ["-1.247", "1.992"])
            weights = clquant.Weights(w, device=device, **packed)
            self.assert_same(clquant.gemm(x.codes, weights, **arguments), y)
            half = clquant.gemm(x.codes, weights, dtype="f16", **arguments)
            self.assert_same(half, y.astype("f2"))
        a, b = codes((3, 64)), codes((64, 5))
        scale = np.ones((5, 2), "f4")
        sums = self.the_commands(a, b)
        self.assert_everywhere(sums.astype("f4"), a, b, k_group=32, b_scale=scale)

    def test_reals(self):
        """A of reals is that of its codes, as `dynamic_quantize` makes them."""
        x = random((5, 70)) * 3
        b, b_scale = codes((70, 9)), random((9,), 4)
        for device in host_devices():
            for dtype, scheme in (("f4", "symmetric"), ("f2", "onnx"), ("f4", clquant.Scheme.preset("affine", "s8"))):
                a = x.astype(dtype)
                q = clquant.dynamic_quantize(a, axis=0, scheme=scheme, device="reference")
                want = clquant.gemm(q.codes, b, dtype="f32", a_scale=q.scale, a_zero_point=q.zero_point, b_scale=b_scale,
                                    device="reference")
                how = {"b_scale": b_scale, "a_scheme": scheme, "device": device}
                self.assert_same(clquant.gemm(a, b, **how), want, device)
                self.assert_same(clquant.gemm(np.asfortranarray(a), b, **how), want, device)
                self.assert_same(clquant.gemm(a, clquant.Weights(b, device=device), **how), want, device)
            q = clquant.dynamic_quantize(x, group_size=32, device="reference")
            how = {"b_scale": random((9, 3), 5), "bias": random((9,), 6), "k_group": 32, "dtype": "f16"}
            want = clquant.gemm(q.codes, b, a_scale=q.scale, device="reference", **how)
            self.assert_same(clquant.gemm(x, b, a_groups=True, device=device, **how), want, device)
        refused = self.assert_refused
        refused(TypeError, ["a_scale is given", "f32"], clquant.gemm, x, b, a_scale=1.0)
        refused(TypeError, ["a_groups=", "s8"], clquant.gemm, x.astype("i1"), b, a_groups=True)
        refused(TypeError, ["a is of float64", "f32"], clquant.gemm, x.astype("f8"), b)
        refused(clquant.InvalidArgument, ["a_scheme", "s4"], clquant.gemm, x, b, a_scheme=clquant.Scheme.preset("symmetric", "s4"))
        refused(clquant.InvalidArgument, ["k_group"], clquant.gemm, x, b, a_groups=True)

    def test_weights(self):
        a, b, zero = codes((5, 37), "u1"), codes((37, 9)), codes((9,)).astype("i4")
        want = self.the_commands(a, b, b_zero_point=zero)
        for device in host_devices():
            weights = clquant.Weights(b.copy(), zero_point=zero, device=device)
            self.assertEqual((weights.k, weights.n), (37, 9))
            self.assertGreater(weights.nbytes, 37 * 9 - 1)
            for rows in (1, 2, 5):
                self.assert_same(clquant.gemm(a[:rows], weights), want[:rows])
            if device != "native":
                self.assert_refused(ValueError, ["another context"], clquant.gemm, a, weights, device="native")
        self.assert_refused(TypeError, ["b_zero_point", "Weights"], clquant.gemm, a, weights, b_zero_point=zero)

    def test_sums_of_nothing(self):
        want = np.tile(np.array([4, -5, 6], "i4"), (2, 1))
        self.assert_everywhere(want, np.zeros((2, 0), "i1"), np.zeros((0, 3), "i1"), bias=want[0].copy())
        self.assert_everywhere(want, np.zeros((2, 0), "i1"), np.zeros((3, 0), "i1").T, bias=want[0].copy())

    def test_refusals(self):
        a, b = codes((5, 37)), codes((37, 9))
        refused = self.assert_refused
        refused(ValueError, ["k = 37", "k = 5"], clquant.gemm, a, codes((5, 9)))
        refused(TypeError, ["a is of s32"], clquant.gemm, a.astype("i4"), b)
        refused(ValueError, ["(5,)"], clquant.gemm, a[:, 0], b)
        refused(ValueError, ["strides of (74, 2)"], clquant.gemm, codes((5, 74))[:, ::2], b)
        refused(ValueError, ["strides"], clquant.gemm, a[::-1], b)
        refused(ValueError, ["a_zero_point has the shape (9,)", "(5,)"], clquant.gemm, a, b,
                a_zero_point=np.zeros(9, "i4"))
        refused(TypeError, ["bias is of float32"[:10]], clquant.gemm, a, b, bias=np.zeros(9, "f4"))
        refused(ValueError, ["out has the shape (9, 5)", "(5, 9)"], clquant.gemm, a, b, out=np.empty((9, 5), "i4"))
        refused(TypeError, ["b_shape= is required"], clquant.gemm, a, np.zeros(167, "u1"), b_dtype="s4")
        refused(clquant.InvalidArgument, ["multiplier"], clquant.gemm, a, b, dtype="s8")
        for shapes, said in ((((0, 3), (3, 2)), "0, 2 and 1"), (((2, 3), (3, 0)), "2, 0 and 1"),
                             (((0, 2, 3), (0, 3, 2)), "2, 2 and 0")):
            refused(clquant.InvalidArgument, [said, "at least 1"], clquant.gemm, *(np.zeros(shape, "i1") for shape in shapes))
        refused(ValueError, ["requantize is 'triple'", "single"], clquant.gemm, a, b, requantize="triple")
        refused(ValueError, ["2 batches", "b 3"], clquant.gemm, codes((2, 5, 37)), codes((3, 37, 9)))

    def test_on_a_queue(self):
        try:
            import pyopencl as cl
            import pyopencl.array as cla
        except ImportError:
            missing("pyopencl is not there")
        a, b, bias = codes((5, 300), "u1"), codes((9, 300)), codes((9,)).astype("i4")
        want = clquant.gemm(a, b, b_transposed=True, a_zero_point=3, bias=bias, device="reference")
        for platform in cl.get_platforms():
            for device in platform.get_devices():
                queue = cl.CommandQueue(cl.Context([device]))
                on, out = cla.to_device(queue, a), cla.zeros(queue, want.shape, np.int32)
                w = cla.to_device(queue, b)
                on_bias = cla.to_device(queue, bias)
                for right, how in ((clquant.Weights(w, transposed=True), {}), (w, {"b_transposed": True}), (w.T, {})):
                    clquant.gemm(on, right, a_zero_point=3, bias=on_bias, out=out, **how).wait()
                    self.assert_same(out.get(), want)
                    out.fill(0)
                    queue.finish()
                    gate = cl.UserEvent(queue.context)
                    event = clquant.gemm(on, right, a_zero_point=3, bias=on_bias, out=out, wait_for=[gate], **how)
                    self.assertNotEqual(event.command_execution_status, cl.command_execution_status.COMPLETE)
                    gate.set_status(cl.command_execution_status.COMPLETE)
                    event.wait()
                    self.assert_same(out.get(), want)
                x = random((5, 300))
                on, made = cla.to_device(queue, x), cla.zeros(queue, want.shape, np.float32)
                gate = cl.UserEvent(queue.context)
                weights = clquant.Weights(w, transposed=True)
                clquant.gemm(on, weights, b_scale=0.5, out=made).wait()  # compiles
                made.fill(0)
                queue.finish()
                event = clquant.gemm(on, weights, b_scale=0.5, out=made, wait_for=[gate])
                self.assertNotEqual(event.command_execution_status, cl.command_execution_status.COMPLETE)
                gate.set_status(cl.command_execution_status.COMPLETE)
                event.wait()
                self.assert_same(made.get(), clquant.gemm(x, b, b_transposed=True, b_scale=0.5, device="reference"))


if __name__ == "__main__":
    unittest.main()
