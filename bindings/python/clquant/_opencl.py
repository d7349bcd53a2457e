# SPDX-License-Identifier: Apache-2.0
"""pyopencl's objects as the library takes them: nothing of it is imported before one of its objects is seen."""
import collections
import os
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
    buffer = t.owner if t.dtype is None else t.kept
    return getattr(buffer, "size", None) or least


def wait_list(wait_for, tensors):
    """cl_events of what is to be waited for: the caller's, and what pyopencl's arrays are still waiting for."""
    events = list(wait_for or ())
    for t in tensors:
        events += getattr(t.owner, "events", ())
    return [ffi.cast("cl_event", event.int_ptr) for event in events], events


def event_of(event, written):
    """A pyopencl.Event that owns `event`; arrays that are written wait for it from now on."""
    import pyopencl

    made = pyopencl.Event.from_int_ptr(int(ffi.cast("intptr_t", event)), retain=False)
    for t in written:
        events = getattr(t.owner, "events", None)
        if events is not None:  # all of which it waits for; add_event would now and then wait for the oldest
            events[:] = [made]
    return made
