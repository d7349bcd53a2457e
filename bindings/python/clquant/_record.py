# SPDX-License-Identifier: Apache-2.0
"""Calls on memory of OpenCL that are checked and planned once and enqueued many times."""
import os
import threading
from typing import Any, Callable, Iterable, Mapping, Optional

from clquant import _opencl
from clquant._clquant import ffi, lib
from clquant._errors import call, error_of
from clquant._opencl import WaitList, event_of

__all__ = ["Record", "record", "record_batch"]

_functions = set()  # that may be recorded
_getpid = os.getpid
_enqueue = getattr(lib, "clq_record_enqueue", None)  # None: built without OpenCL


def recordable(function):
    _functions.add(function)
    return function


class Record:
    """Calls that `record` and `record_batch` put together. It keeps its queue, its device and its arrays: all that it was
    made of may be dropped, and so may it, before its commands have run. Values are read at each run; the shapes, schemes
    and memory are those of the recording.

    Attributes:
        queue: the pyopencl.CommandQueue that it is for
    """

    __slots__ = ("queue", "_place", "_record", "_process", "_lock", "_tensors", "_read", "_written", "_event", "_out", "_list",
                 "_error", "_last", "_is_in_order", "__weakref__")

    def __init__(self, run, place, tensors, written):
        self._place = place
        self._record = place[0]
        self._process = os.getpid()
        self.queue = run.queue
        self._lock = threading.Lock()
        self._tensors = tensors  # and the arrays that own them: memory of a pool would go to another one
        self._read = _with_events(tensors)
        self._written = _with_events(written)
        self._event = ffi.new("intptr_t *")  # a cl_event, as pyopencl has it
        self._out = ffi.cast("cl_event *", self._event)
        self._error = ffi.new("clq_error *")
        self._list = WaitList(4)
        self._last = None  # event of the run before
        self._is_in_order = _opencl.is_in_order(run.queue)

    def enqueue(self, wait_for: Optional[Iterable[Any]] = None) -> Any:
        """Enqueue all of it behind the events of `wait_for`, those that its arrays carry, and the run before; returns a
        pyopencl.Event at once. Any thread may call."""
        if self._process != _getpid():
            raise RuntimeError("the record was made before this process was forked, and works in the parent only: make one "
                               "in each process")
        event = self._event
        made = None
        with self._lock:
            last = self._last  # which runs of one queue in order are behind as it is
            events = list(wait_for) if wait_for else []
            for owner in self._read:
                events += [e for e in owner.events if e is not last]
            if last is not None and not self._is_in_order:
                events.append(last)
            waits = self._list = self._list.holding(events)
            event[0] = 0
            try:
                status = _enqueue(self._record, len(events), waits.pointer if events else ffi.NULL, ffi.NULL, self._out,
                                  self._error)
            finally:  # also behind Ctrl-C, when it is enqueued all the same
                if event[0]:
                    made = self._last = event_of(event[0], self._written)
            if status:
                raise error_of(status, self._error)
        return made

    def __del__(self, destroy=getattr(lib, "clq_record_destroy", None), getpid=os.getpid):
        if getattr(self, "_process", None) == getpid():
            destroy(self._place)

    def __reduce__(self):
        raise TypeError("a record belongs to its process and its queue")


def _with_events(tensors):
    """The arrays that carry events, one of those that share a list of them."""
    return list({id(t.owner.events): t.owner for t in tensors if hasattr(t.owner, "events")}.values())


class Recorder:
    """Is given to a call in place of what to wait for, and takes what it would enqueue."""

    def take(self, run, functions, arguments, workspace):
        """`functions`: that enqueues, and that records."""
        launch = run.launch(workspace)
        place = ffi.new("clq_record **")
        call(functions[1], *arguments, launch, place)
        return Record(run, place, run.operands, run.written)


class _Collector(Recorder):
    """Takes calls of one function for a batch."""

    def __init__(self):
        self.runs = []
        self.arguments = []

    def take(self, run, functions, arguments, workspace):
        first = self.runs[0] if self.runs else run
        if run.context is not first.context or run.queue.int_ptr != first.queue.int_ptr:
            raise ValueError("calls on different queues or contexts were given, and one queue is required for all")
        run.keep()
        self.runs.append(run)
        self.arguments.append(arguments)
        return self

    def batch(self, workspace):
        items = ffi.new("clq_batch_item[]", len(self.runs))
        for item, (_, _, q, operands) in zip(items, self.arguments):
            item.q = q
            item.operands = operands[0]
        batch = ffi.new("clq_batch **")
        place = ffi.new("clq_record **")
        handle, operation = self.arguments[0][:2]
        try:
            call(lib.clq_batch_create, handle, operation, items, len(items), batch)
            call(lib.clq_record_create_batch, batch[0], self.runs[0].launch(workspace), place)
        finally:
            lib.clq_batch_destroy(batch)
        return Record(self.runs[0], place, [t for run in self.runs for t in run.operands],
                      [t for run in self.runs for t in run.written])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for run in self.runs:
            run.destroy()


def _require(function, arguments):
    if function not in _functions:
        names = ", ".join(sorted(known.__name__ for known in _functions))
        raise TypeError(f"{getattr(function, '__name__', function)} cannot be recorded: one of {names} is required")
    if "wait_for" in arguments:
        raise TypeError("wait_for= is an argument of Record.enqueue, for each run its own")


def record(function: Callable, *arguments: Any, **options: Any) -> Record:
    """`function(*arguments, **options)` on memory of OpenCL, put together once, to be enqueued many times.

    Args:
        function: clquant.quantize, dequantize, fake_quantize, minmax, dynamic_quantize, choose_parameters_from or gemm
        arguments, options: its own, but for wait_for. Without workspace= the record makes scratch memory of its own.
            Numbers and arrays of the host for scales and zero points are copied now, once

    Compiles what a first call compiles, and enqueues nothing on the queue.
    """
    _require(function, options)
    return function(*arguments, wait_for=Recorder(), **options)


def record_batch(function: Callable, calls: Iterable[Mapping[str, Any]], *, workspace=None, **common: Any) -> Record:
    """Calls of one function on many tensors as one record, in a few launches where they lie in the same buffers.

    Args:
        function: as of `record`, gemm excepted
        calls: arguments of each call, by name, such as [{"x": a, "scale": s, "out": b}, ...]. None may write what another
            one reads or writes
        common: arguments of all of them
        workspace: as of `clquant.quantize`, for all; None: the record makes its own
    """
    _require(function, common)
    if function.__name__ == "gemm":
        raise TypeError("products are no batch of record_batch: give gemm matrices of [batch, m, k]")
    with _Collector() as collector:
        for i, arguments in enumerate(calls):
            _require(function, arguments)
            try:
                function(**common, **arguments, wait_for=collector)
            except (TypeError, ValueError) as error:
                raise type(error)(f"call {i}: {error}") from error
        if not collector.runs:
            raise ValueError("no calls were given, and at least one is required")
        return collector.batch(workspace)
