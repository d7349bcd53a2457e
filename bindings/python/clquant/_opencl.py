# SPDX-License-Identifier: Apache-2.0
"""pyopencl's objects as the library takes them: nothing of it is imported before one of its objects is seen."""
import collections
import ctypes
import os
import sys
import threading

from clquant import _arrays
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


_memory = None  # pyopencl's class of buffers, once one of its objects was seen


def share_loader():
    """Let the library call the OpenCL that pyopencl calls. Its wheels bring a loader of their own under a name of their
    own; where nothing of OpenCL is loaded yet, the library looks first among the names that the whole process sees."""
    if not sys.platform.startswith("linux"):
        return
    with open("/proc/self/maps") as maps:
        loaded = {line.rstrip("\n").partition("/")[2] for line in maps if "libOpenCL" in line}
    for path in sorted(loaded):
        try:
            ctypes.CDLL("/" + path, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOLOAD)
        except OSError:  # gone from the disk since: the library finds the system's
            pass


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


def tensor(x, name):
    """A pyopencl.array.Array, or a pyopencl.Buffer, which has no type and shape of its own."""
    global _memory
    if _memory is None:
        _memory = sys.modules["pyopencl"].MemoryObjectHolder
    if isinstance(x, _memory):
        return _arrays.Tensor(None, None, None, x.int_ptr, x, is_device=True)
    data = getattr(x, "base_data", None)
    if data is None or not hasattr(data, "int_ptr"):
        raise TypeError(f"{name} is {type(x).__module__}.{type(x).__name__}, and an array or a buffer of pyopencl is "
                        "required (no image, no SVM)")
    dtype = x.dtype
    if not dtype.isnative:
        raise _arrays._byte_order(dtype, name)
    strides = None
    if not x.flags.c_contiguous:
        strides = tuple(step // (dtype.itemsize or 1) for step in x.strides)
    return _arrays.Tensor(_arrays.name_of(dtype), x.shape, strides, data.int_ptr, x,
                          offset_bytes=x.offset, is_device=True, kept=data)


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
