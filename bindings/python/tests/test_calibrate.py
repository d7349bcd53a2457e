# SPDX-License-Identifier: Apache-2.0
"""Ranges over batches, against those of `clquant calibrate`."""
import json
import unittest

import numpy as np

import clquant
from support import Case, host_devices, random, run

METHODS = ("minmax", "moving-average", "moving-average:0.25", "percentile:99", "mse", "entropy")


class Calibrate(Case):
    def setUp(self):
        super().setUp()
        self.batches = [random((11 + i, 3, 40), 10 + i) for i in range(3)]
        self.files = []
        for i, batch in enumerate(self.batches):
            self.files.append(self.folder / f"b{i}.npy")
            np.save(self.files[-1], batch)

    def test_ranges_are_the_commands(self):
        for preset, dtype in (("symmetric", "s8"), ("onnx", "u8")):
            for axis in (None, 1):
                for method in METHODS:
                    options = ["--granularity", "tensor"] if axis is None else ["--granularity", "channel", "--axis", axis]
                    run("calibrate", *self.files, "--name", "x", "-o", self.folder / "r.json", "--force", "--method", method,
                        "--preset", preset, "--dtype", dtype, "--device", "reference", *options)
                    told = json.loads((self.folder / "r.json").read_text())["tensors"][0]
                    want = np.stack([np.array(told["lo"], "f4"), np.array(told["hi"], "f4")], -1)
                    for device in host_devices():
                        got = clquant.calibrate(self.batches, method=method, scheme=preset, dtype=dtype, axis=axis,
                                                device=device)
                        self.assert_same(got.range, want, f"{preset} {axis} {method} on {device}")
                        self.assertEqual(got.range.shape, clquant.parameter_shape((1, 3, 1), axis=axis) + (2,))
                        self.assert_same(got.found[..., 0], np.array(told["min"], "f4"))
                        self.assertEqual((got.batches, got.nonfinite), (3, 0))
                        chosen = [clquant.choose_parameters(lo, hi, preset, dtype) for lo, hi in want.reshape(-1, 2).tolist()]
                        self.assertEqual(got.scale.ravel().tolist(), [np.float32(c.scale) for c in chosen])
                        self.assertEqual(got.zero_point.ravel().tolist(), [c.zero_point for c in chosen])

    def test_batches_of_all_kinds(self):
        want = clquant.calibrate(self.batches, method="mse")
        self.assert_same(clquant.calibrate(lambda: iter(self.batches), method="mse").range, want.range)
        self.assert_same(clquant.calibrate((b for b in self.batches)).found, want.found)
        self.assert_same(clquant.calibrate([np.empty((0, 3, 40), "f4")] + self.batches, method="mse").range, want.range)

    def test_batches_with_strides(self):
        """Views are read where they lie, and where a device copies without their gaps; what is between them is not seen."""
        x = random((11, 3, 40), 10)
        wide = np.full((11, 6, 90), np.float32(1e9))
        wide[:, 1::2, 5:85:2] = x
        for method in METHODS:
            want = clquant.calibrate([x, 2 * x], method=method, axis=1, device="reference")
            views = [wide[:, 1::2, 5:85:2], np.asfortranarray(2 * x)]
            for device in [*host_devices(), self.copying("native")]:
                got = clquant.calibrate(views, method=method, axis=1, device=device)
                for mine, wanted, name in zip(got, want, got._fields):
                    self.assert_same(mine, wanted, f"{name} by {method} on {device}")

    def test_nonfinite(self):
        self.batches[1][2, 1, 3] = np.inf
        self.assert_refused(clquant.Nonfinite, ["batches[1]", "index 283", "ignore_nonfinite"], clquant.calibrate, self.batches)
        self.assertEqual(clquant.calibrate(self.batches, ignore_nonfinite=True).nonfinite, 1)

    def test_refusals(self):
        refused = self.assert_refused
        refused(TypeError, ["iterator", "twice"], clquant.calibrate, iter(self.batches), method="entropy")
        refused(ValueError, ["empty"], clquant.calibrate, [])
        refused(ValueError, ["mean", "files"], clquant.calibrate, self.batches, method="mean")
        refused(clquant.InvalidArgument, ["median"], clquant.calibrate, self.batches, method="median")
        refused(ValueError, ["batches[1]", "(5, 4, 40)", "4 parameters", "3"], clquant.calibrate,
                [self.batches[0], random((5, 4, 40))], axis=1)
        given = [self.batches, self.batches[:2]]
        refused(ValueError, ["3 arrays at first", "2"], clquant.calibrate, lambda: given.pop(0), method="mse")
        refused(TypeError, ["batches[0] is of float64"], clquant.calibrate, [np.ones(3)])
        refused(ValueError, ["batches[0] has strides of (-1,)"], clquant.calibrate, [np.ones(3, "f4")[::-1]])
        refused(TypeError, ["wait_for"], clquant.calibrate, self.batches, wait_for=[])


if __name__ == "__main__":
    unittest.main()
