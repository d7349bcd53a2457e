# SPDX-License-Identifier: Apache-2.0
"""pyopencl's objects as the library takes them: nothing of it is imported before one of its objects is seen."""
import collections
import os
import sys
import threading

from clquant._clquant import ffi
from clquant._context import Context

_KEPT = 8
_lock = threading.Lock()
_contexts = collections.OrderedDict()  # by cl_context and cl_device_id, which they retain: no handle comes twice


def _after_fork():
    global _lock
    _lock = threading.Lock()
    _contexts.clear()  # and none of them is destroyed


os.register_at_fork(after_in_child=_after_fork)


def context_of(queue):
    """The context over a queue's, one for each of the last few."""
    key = queue.context.int_ptr, queue.device.int_ptr
    with _lock:
        known = _contexts.get(key)
        if known is not None:
            _contexts.move_to_end(key)
            return known
    made = Context.from_pyopencl(queue)
    with _lock:
        made = _contexts.setdefault(key, made)
        while len(_contexts) > _KEPT:
            _contexts.popitem(last=False)
    return made


def memory_bytes(t, least):
    """The size of the cl_mem behind a tensor; of one that came by DLPack as much of it as is known."""
    return getattr(t.owner if t.dtype is None else t.kept, "size", None) or least


def wait_list(wait_for, tensors):
    """Events to be waited for: the caller's, and what pyopencl's arrays are still waiting for."""
    events = list(wait_for or ())
    for t in tensors:
        events += getattr(t.owner, "events", ())
    return events


class WaitList:
    """cl_events of a list of events, which keeps them alive; `pointer` is where they are."""

    __slots__ = ("_handles", "pointer")

    def __init__(self, count):
        self._handles = ffi.new("intptr_t[]", count)
        self.pointer = ffi.cast("cl_event *", self._handles)

    def holding(self, events):
        """The list with these events in it: this one, where there is room."""
        made = self if len(events) <= len(self._handles) else WaitList(2 * len(events))
        for i, event in enumerate(events):
            made._handles[i] = event.int_ptr
        return made


_CONSTANTS, _CONSTANT_BYTES, _QUEUES = 256, 4096, 8


def constant(context, queue, data):
    """A pyopencl.Buffer with these bytes, which nobody writes: no queue is waited for. Small ones, as scales and zero points
    are, are kept by what they hold."""
    known = context._constants.get(data)
    if known is None:
        cl = sys.modules["pyopencl"]
        known = cl.Buffer(queue.context, cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR, hostbuf=data)
        if len(data) <= _CONSTANT_BYTES:
            while len(context._constants) >= _CONSTANTS:
                context._constants.pop(next(iter(context._constants), None), None)
            context._constants[data] = known
    return known


def borrow_workspace(context, queue, size):
    """A pyopencl.Buffer of at least so many bytes for a call on the queue, whose own it is until `return_workspace`."""
    _, known = context._workspaces.pop(queue.int_ptr, (None, None))
    if known is None or known.size < size:
        cl = sys.modules["pyopencl"]
        known = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, size)
    return known


def return_workspace(context, queue, workspace):
    """All of the call is enqueued: on a queue in order the next one, whose commands come behind, may have it."""
    if is_in_order(queue):
        while len(context._workspaces) >= _QUEUES:
            context._workspaces.pop(next(iter(context._workspaces), None), None)
        context._workspaces[queue.int_ptr] = queue, workspace  # the queue too, so that its handle means no other one


def is_in_order(queue):
    return not queue.properties & sys.modules["pyopencl"].command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE


def event_of(handle, owners):
    """A pyopencl.Event that owns the cl_event; of the written arrays those that carry events wait for it from now on."""
    made = sys.modules["pyopencl"].Event.from_int_ptr(handle, retain=False)
    for owner in owners:
        events = getattr(owner, "events", None)
        if events is not None:  # all of which it waits for; add_event would now and then wait for the oldest
            events[:] = [made]
    return made
