# SPDX-License-Identifier: Apache-2.0
"""Model files: the bytes of the command, with the same options; progress, cancelling, failures."""
import json
import logging
import os
import signal
import threading
import unittest

import numpy as np

import clquant
from support import Case, host_devices, random, run, write_safetensors


class Files(Case):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "m.safetensors"
        self.out = self.folder / "q.safetensors"
        write_safetensors(self.model, {"a.weight": random((40, 96), 1), "b.weight": random((32, 64), 2, "f2"),
                                       "b.bias": random((32,), 3), "ids": np.arange(6, dtype="i4").reshape(2, 3)})

    def assert_the_commands(self, options, **arguments):
        for device in host_devices():
            report = clquant.quantize_model(self.model, self.out, device=device, replace=True, **arguments)
            run("quantize", self.model, "-o", self.folder / "want.safetensors", "--force", "--device", "reference", *options)
            self.assertEqual(self.out.read_bytes(), (self.folder / "want.safetensors").read_bytes(), (device, arguments))
            self.assertTrue(report.is_written)
        return report

    def files_left(self):
        """By a run that was ended: once what `resume` takes is removed, which is kept after a second, as long as a busy
        machine may take for the first tensor."""
        for name in (".q.safetensors.journal", ".q.safetensors.partial"):
            (self.folder / name).unlink(missing_ok=True)
        return sorted(os.listdir(self.folder))

    def test_bytes_are_the_commands(self):
        report = self.assert_the_commands([])
        self.assertEqual([tensor.name for tensor in report.tensors], ["a.weight", "b.weight", "b.bias", "ids"])
        self.assertEqual(report["ids"].outcome, "copied")
        tensor = report["a.weight"]
        self.assertEqual((tensor.outcome, tensor.source_dtype, tensor.source_shape, tensor.dtype, tensor.parameters),
                         ("processed", "F32", (40, 96), "s8", 40))
        told = json.loads(run("quantize", self.model, "-o", self.out, "--force", "--json", "--device", "reference"))
        self.assertAlmostEqual(tensor.errors.sqnr_db, told["tensors"][0]["sqnr_db"], 6)
        self.assert_the_commands(["--preset", "affine", "--dtype", "u4", "--granularity", "group", "--group-size", "32"],
                                 preset="affine", dtype="u4", granularity="group", group_size=32)
        self.assert_the_commands(["--axis", "1", "--axis", "b*=0", "--include", "*.weight", "--rounding", "away"],
                                 axis=1, axis_patterns={"b*": 0}, include=["*.weight"], rounding="away")
        self.assert_the_commands(["--scale", "0.03125", "--granularity", "tensor", "--exclude", "a*"], scale=0.03125,
                                 granularity="tensor", exclude=["a*"])
        self.assert_the_commands(["--range", "-3:3", "--granularity", "tensor", "--min-rank", "1"], range=(-3, 3),
                                 granularity="tensor", minimum_rank=1)
        self.assert_the_commands(["--calibrate", "percentile:99"], calibration="percentile:99")
        self.assert_the_commands(["--format", "pack-quantized", "--dtype", "s4", "--granularity", "group", "--group-size",
                                  "32"], format="pack-quantized", dtype="s4", granularity="group", group_size=32)

    def test_every_field_of_a_request_is_there(self):
        """Those of clq_file_quantize: what the library grows is seen here."""
        import inspect
        fields = {name for name, _ in clquant._clquant.ffi.typeof("clq_file_request").fields}
        fields -= {name for name in fields if name.startswith("has_") or name.endswith("_count")}
        others = {"struct_size", "reference", "inputs", "tensors", "tensor_name", "known_group_size", "details",
                  "scale_file", "zero_point_file", "range_lo", "range_hi",
                  "part", "parts",
                  "first_share", "own_shares", "shares"}  # of the command, which has `join` too
        self.assertEqual(set(inspect.signature(clquant.quantize_model).parameters), fields - others | {"range", "progress", "device"})

    def test_progress(self):
        seen = []
        clquant.quantize_model(self.model, self.out, progress=seen.append)
        self.assertTrue(all(before.done_bytes <= after.done_bytes for before, after in zip(seen, seen[1:])))
        self.assertEqual(seen[-1].done_bytes, seen[-1].all_bytes)
        self.assertEqual({step.operation for step in seen}, {"quantize"})
        self.assertIn("a.weight", {step.tensor for step in seen})

    def test_what_progress_raises_ends_the_run(self):
        def stop(step):
            raise LookupError("enough")

        for device in host_devices():
            self.assert_refused(LookupError, ["enough"], clquant.quantize_model, self.model, self.out, progress=stop,
                                device=device)
            self.assertEqual(self.files_left(), ["m.safetensors"])

    def test_interrupt(self):
        """Ctrl-C, as it comes from the terminal, in the middle of a run: nothing is made, and what was there stays."""
        self.out.write_bytes(b"old")
        main = threading.main_thread().ident
        once = []

        def interrupt(step):
            if not once:
                once.append(1)
                signal.pthread_kill(main, signal.SIGINT)
                interrupted.wait(60)  # until the handler has run: the run is still under way then

        interrupted = threading.Event()

        def handler(number, frame):
            interrupted.set()
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, handler)
        try:
            for device in host_devices():
                once.clear()
                interrupted.clear()
                with self.assertRaises(KeyboardInterrupt):
                    clquant.quantize_model(self.model, self.out, progress=interrupt, replace=True, device=device)
                self.assertEqual(self.files_left(), ["m.safetensors", "q.safetensors"])
                self.assertEqual(self.out.read_bytes(), b"old")
        finally:
            signal.signal(signal.SIGINT, before)

    def test_failures(self):
        refused = self.assert_refused
        refused(clquant.FileError, ["nowhere"], clquant.quantize_model, self.folder / "nowhere.safetensors", self.out)
        self.assertTrue(issubclass(clquant.FileError, OSError))
        (self.folder / "bad.safetensors").write_bytes(self.model.read_bytes()[:-1])
        refused(clquant.BadFile, ["bad.safetensors"], clquant.quantize_model, self.folder / "bad.safetensors", self.out)
        (self.folder / "bad.safetensors").unlink()
        error = refused(clquant.Refused, ["a.weight"], clquant.quantize_model, self.model, self.out, minimum_sqnr_db=90)
        self.assertIn("a.weight", [tensor.name for tensor in error.report.tensors])
        self.assertFalse(error.report.is_written)
        x = random((8, 8))
        x[1, 2] = np.nan
        write_safetensors(self.folder / "n.safetensors", {"w": x})
        refused(clquant.Nonfinite, ["'w'"], clquant.quantize_model, self.folder / "n.safetensors", self.out)
        with self.assertLogs("clquant", logging.WARNING):
            clquant.quantize_model(self.folder / "n.safetensors", self.out, ignore_nonfinite=True)
        refused(clquant.InvalidArgument, ["q.safetensors"], clquant.quantize_model, self.model, self.out)
        refused(TypeError, ["include is the text", "['*']"], clquant.quantize_model, self.model, self.out, include="*")
        for name in ("output", "include", "calibration"):
            given = dict(output=self.out, include=["*"], calibration="minmax")
            given[name] = ["a*\0b"] if name == "include" else f"{given[name]}\0b"
            refused(ValueError, [name, "\\x00b", "without a zero byte"], clquant.quantize_model, self.model, replace=True,
                    **given)
        refused(TypeError, ["input is int"], clquant.quantize_model, 3, self.out)
        refused(ValueError, ["granularity is 'row'", "tensor, channel"], clquant.quantize_model, self.model, self.out,
                granularity="row")
        refused(clquant.InvalidArgument, ["median"], clquant.quantize_model, self.model, self.out, calibration="median")

    def test_warnings_are_logged(self):
        with self.assertLogs("clquant", logging.WARNING) as logs:
            clquant.quantize_model(self.model, self.out, exclude=["nothing*"], allow_empty=True)
        self.assertIn("nothing*", logs.output[0])

    def test_paths_of_any_bytes(self):
        folder = self.folder / "m\udcff \u00e9"
        folder.mkdir()
        clquant.quantize_model(self.model, folder / "q.safetensors")
        self.assertTrue((folder / "q.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
