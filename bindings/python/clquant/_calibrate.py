# SPDX-License-Identifier: Apache-2.0
"""Ranges over batches: an observer on the device keeps them, and the library cuts them."""
from typing import Any, Callable, Iterable, NamedTuple, Optional, Union

import numpy as np

from clquant import _arrays
from clquant._clquant import ffi, lib
from clquant._context import as_context
from clquant._errors import Nonfinite, call, encoded
from clquant._operations import _describe, _real_of, choose_parameters_from
from clquant._run import Call
from clquant._scheme import Scheme, as_scheme, fill_scheme
from clquant._types import TensorLike

__all__ = ["Calibration", "calibrate"]


class Calibration(NamedTuple):
    """What `calibrate` finds, of parameter_shape each (`range` and `found` with 2 behind it)."""

    range: Any  # to quantize with
    scale: Any
    zero_point: Any
    found: Any  # the range of all data, of which `range` was cut
    nonfinite: int  # elements of all batches that are NaN or infinite
    batches: int


_CUTS = {
    lib.CLQ_CALIBRATE_PERCENTILE: (lib.clq_histogram_percentile, lib.clq_histogram_cut_percentile),
    lib.CLQ_CALIBRATE_MSE: (lib.clq_histogram_mse, lib.clq_histogram_cut_mse),
    lib.CLQ_CALIBRATE_ENTROPY: (lib.clq_histogram_entropy, lib.clq_histogram_cut_entropy),
}


class _Observer:
    """A clq_observer, made for the first batch."""

    def __init__(self, scheme, axis, averaging, real, device, queue):
        self.scheme, self.axis, self.averaging, self.real = scheme, axis, averaging, real
        self.device, self.queue = device, queue
        self.place = ffi.new("clq_observer **")
        self.parameters = self.shape = self.context = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        lib.clq_observer_destroy(self.place)

    def add(self, x, name, function):
        t = _arrays.tensor(x, name)
        if t.shape is None:
            raise TypeError(f"{name} is a buffer, and an array is required: pyopencl.array.Array(queue, shape, dtype, "
                            "data=buffer)")
        d = _describe(t.shape, self.axis, None, _real_of(t, self.real, name), self.scheme)
        _arrays.require(t, name, d.real, (d.shape,), strided=True)
        with Call("calibrate", self.device, self.queue, {name: t}) as run:
            run.settle()
            if self.parameters is None:
                self.parameters, self.shape, self.context = d.parameters, d.parameter_shape, run.context
                call(lib.clq_observer_create, run.handle, d.parameters, self.averaging, self.place)
            if d.parameters != self.parameters:
                raise ValueError(f"{name} has the shape {t.shape}, with {d.parameters} parameters, and those of the batches "
                                 f"before have {self.parameters}")
            if run.context is not self.context:
                raise ValueError(f"{name} is on another device than the batches before")
            if d.elements:
                # Kernels that observe take dense tensors: without gaps it is copied there, as for memory of a device's own.
                in_place = run.is_device or (run.keeps_strides and run.context.device.platform < 0)
                strides = t.strides if in_place else None
                d = d.strided({"real_strides": strides})
                operand = run.operand(t, d.real, d.forms["x"].size, dense=strides is None)
                call(function, self.place[0], d.q, operand, 0)
        return d.elements

    def nonfinite(self):
        found = ffi.new("clq_nonfinite *")
        call(lib.clq_observer_read_nonfinite, self.place[0], found)
        return found.count, found.first_index

    def ranges(self):
        made = np.empty(self.shape + (2,), np.float32)
        call(lib.clq_observer_read_ranges, self.place[0], 0, self.parameters, ffi.cast("float *", made.ctypes.data))
        return made

    def cut(self, ranges, method):
        """Each range as its histogram has it."""
        scheme = ffi.new("clq_scheme *")
        fill_scheme(scheme, self.scheme)
        counts = ffi.new("uint64_t[]", lib.clq_histogram_bins(scheme))
        flat = ranges.reshape(-1, 2)
        for p in range(self.parameters):
            call(lib.clq_observer_read_counts, self.place[0], p, 1, counts)
            ends = ffi.cast("float *", flat[p].ctypes.data)
            (_cut_magnitudes if self.scheme.symmetric else _cut_both_ends)(scheme, counts, ends, method)


def _cut_magnitudes(scheme, counts, ends, method):
    # Where the bins of magnitudes end: a choice between two of the library's values, as its own callers make it.
    maximum = max(abs(ends[0]), abs(ends[1]))
    found = ffi.new("clq_threshold *")
    how = (method.percent if method.kind == lib.CLQ_CALIBRATE_PERCENTILE else
           lib.clq_scheme_levels(scheme, ends[0], ends[1]))
    call(_CUTS[method.kind][0], counts, maximum, how, found)
    lib.clq_range_clip(ends, found.value)


def _cut_both_ends(scheme, counts, ends, method):
    found = ffi.new("clq_cut *")
    how = (counts, ends, method.percent) if method.kind == lib.CLQ_CALIBRATE_PERCENTILE else (scheme, counts, ends)
    call(_CUTS[method.kind][1], *how, found)
    ends[0], ends[1] = found.range


def calibrate(batches: Union[Iterable[TensorLike], Callable[[], Iterable[TensorLike]]], *, method: str = "minmax",
              scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None, axis: Optional[int] = None, real=None,
              ignore_nonfinite: bool = False, device=None, queue=None) -> Calibration:
    """The range to quantize with, found over batches of data on the device.

    Args:
        batches: arrays, one at a time: of NumPy or of anything with __dlpack__, dense or with strides of at least 1; in
            memory of OpenCL a pyopencl.array.Array, or DLPack of it with queue=, dense. (A pyopencl.Buffer has no shape:
            pyopencl.array.Array(queue, shape, dtype, data=buffer).) Their shapes may differ, but not in how many channels
            they have. Percentile, mse and entropy look at all of them twice: a list, or a function that begins anew
        method: "minmax", "moving-average", "moving-average:0.05", "percentile:99.9", "mse" or "entropy"
            (docs/calibration.md)
        scheme, dtype: tell the bins of histograms, the levels, and the parameters that follow from the range
        axis: of channels with ranges of their own; None: one range
        real: "bf16" for arrays of uint16 that hold its bits
        ignore_nonfinite: NaN and infinity are left out; else they are clquant.Nonfinite
        device, queue: as of `clquant.quantize`

    It takes no wait_for and returns no event: each batch is waited for, with what was enqueued on its queue before and the
    events that arrays carry, and so are the ranges, which the host reads. Wait for other events before.

    Returns:
        Calibration(range, scale, zero_point, found, nonfinite, batches), arrays of NumPy
    """
    made = as_scheme(scheme, dtype)
    chosen = ffi.new("clq_calibration *")
    call(lib.clq_calibration_from_text, encoded(method, "method"), chosen)
    counts = chosen.kind in _CUTS
    if chosen.kind == lib.CLQ_CALIBRATE_MEAN:
        raise ValueError("method is 'mean', which is there for files only (clquant calibrate --method mean)")
    if counts and not callable(batches) and iter(batches) is batches:
        raise TypeError(f"batches is an iterator, and {method} looks at all data twice: pass a list, or a function that "
                        "returns an iterator")
    begin = batches if callable(batches) else lambda: batches
    nonfinite = number = 0
    if queue is None:
        device = as_context(device) if device is not None else None
    with _Observer(made, axis, chosen.averaging, real, device, queue) as observer:
        for x in begin():
            name = f"batches[{number}]"
            number += 1
            if not observer.add(x, name, lib.clq_observer_add_range):
                continue
            count, first = observer.nonfinite()
            nonfinite += count
            if count and not ignore_nonfinite:
                raise Nonfinite(f"{name}: {count} of its elements are NaN or infinite, the first at index {first}; "
                                "ignore_nonfinite=True leaves them out", lib.CLQ_NONFINITE)
            call(lib.clq_observer_end_batch, observer.place[0])
        if observer.parameters is None:
            raise ValueError("batches is empty, and one array at least is required")
        found = observer.ranges()
        ranges = found.copy()
        if counts:
            again = sum(1 for i, x in enumerate(begin())
                        if observer.add(x, f"batches[{i}]", lib.clq_observer_add_counts) is not None)
            if again != number:
                raise ValueError(f"batches gave {number} arrays at first, and then {again}")
            observer.cut(ranges, chosen)
        host = observer.context if observer.context._is_host else "reference"
        scale, zero_point = choose_parameters_from(ranges, scheme=made, device=host)
    return Calibration(ranges, scale, zero_point, found, nonfinite, number)
