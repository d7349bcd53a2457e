# SPDX-License-Identifier: Apache-2.0
"""One call: its operands in buffers of the library, on the host or on the caller's queue, and what becomes of them."""
import numpy as np

from clquant import _arrays, _opencl
from clquant._clquant import ffi, lib
from clquant._context import as_context, require_opencl
from clquant._errors import call
from clquant._record import Recorder

_PLACE = ffi.typeof("clq_buffer **")
_nothing = ffi.new("char[16]")  # what tensors without elements are said to lie in


def product(shape):
    count = 1
    for length in shape:
        count *= length
    return count


class Call:
    """The buffers of one call. With host memory they lie over it, or beside it where the device has its own, and results
    are there when `finish` returns; with memory of OpenCL nothing waits."""

    def __init__(self, name, device, queue, tensors):
        """`tensors`: those that say where the call runs, by name."""
        kinds = {t.is_device for t in tensors.values()}
        if len(kinds) > 1:
            there = [key for key, t in tensors.items() if t.is_device]
            here = [key for key, t in tensors.items() if not t.is_device]
            raise TypeError(f"{name}: {', '.join(there)} in memory of OpenCL and {', '.join(here)} in that of the host: all "
                            "of them are required in one place")
        self.name = name
        self.is_device = kinds == {True}
        if self.is_device:
            require_opencl()
        if self.is_device and queue is None:
            queue = next((t.owner.queue for t in tensors.values() if getattr(t.owner, "queue", None) is not None), None)
            if queue is None:
                raise TypeError(f"{name}: queue= is required beside buffers: the pyopencl.CommandQueue to enqueue on")
        if queue is not None and not self.is_device:
            raise TypeError(f"{name}: queue= is for memory of OpenCL, and the operands are in that of the host")
        self.queue = queue
        self.context = _opencl.context_of(queue) if self.is_device and device is None else as_context(device)
        self._tensors = tensors.values()
        self._held = self.context._handle()
        self.handle = self._held.context
        self._places = []  # of the buffers' handles
        self.operands = []  # tensors
        self._results = []  # (place, tensor, bytes)
        self._is_kept = False
        self._copies = []  # (array of the caller's, dense one that becomes it)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if not self._is_kept:
            self.destroy()

    def keep(self):
        """Leave the buffers to whom calls `destroy`."""
        self._is_kept = True

    def destroy(self):
        for place in self._places:
            lib.clq_buffer_destroy(place)

    @property
    def written(self):
        return [t for _, t, _ in self._results]

    def _place(self, function, *arguments):
        place = ffi.new(_PLACE)
        self._places.append(place)  # before there is a buffer in it: Ctrl-C may come right behind the call
        call(function, self.handle, *arguments, place)
        return place

    @property
    def keeps_strides(self):
        """Whether operands are used where they lie; what is copied to a device is copied without the gaps."""
        return self.is_device or self.context._is_host

    def _dense(self, t, dtype, written):
        """A dense tensor in place of one of the host's."""
        array = _arrays.view(t, dtype)
        dense = np.empty(t.shape, array.dtype)
        if written:
            self._copies.append((array, dense))
        else:
            np.copyto(dense, array)
        return _arrays.Tensor(t.dtype, t.shape, None, dense.ctypes.data, dense, kept=t)

    def operand(self, t, dtype, size, written=False, dense=False):
        """The operand of a type and `size` bytes that lies in `t`: with strides as many as it spans, or those that its
        elements have where it is to be `dense`."""
        if dense and t.strides is not None:
            t = self._dense(t, dtype, written)
        if t.is_device:
            place = self._place(lib.clq_buffer_from_opencl, ffi.cast("cl_mem", t.memory), 0,
                                _opencl.memory_bytes(t, t.offset_bytes + size) or 1)
        elif size == 0:
            place = self._place(lib.clq_buffer_wrap, _nothing, ffi.sizeof(_nothing))
        elif self.is_device:
            made = _opencl.constant(self.context, self.queue, bytes(ffi.buffer(ffi.cast("char *", t.memory), size)))
            place = self._place(lib.clq_buffer_from_opencl, ffi.cast("cl_mem", made.int_ptr), 0, size)
        elif self.context._is_host:
            place = self._place(lib.clq_buffer_wrap, ffi.cast("void *", t.memory), size)
        else:
            place = self._place(lib.clq_buffer_create, size)
            call(lib.clq_buffer_write, place[0], 0, ffi.cast("void *", t.memory), size)
        self.operands.append(t)
        if written:
            self._results.append((place, t, size))
        return place[0], t.offset_bytes and _elements(dtype, t.offset_bytes)

    def settle(self):
        """Wait for what fills the operands: a function that takes no launch reads them on the library's own queue, which
        nothing keeps in order with the caller's."""
        if self.is_device:
            for t in self._tensors:
                for event in getattr(t.owner, "events", ()):
                    event.wait()
            self.queue.finish()

    def finish(self):
        """Wait until results are in the caller's memory of the host, and tell what failed."""
        for place, t, size in self._results:
            if size == 0:
                continue
            if self.context._is_host:  # mapped is in its place; destroying the buffer unmaps it
                call(lib.clq_buffer_map, place[0], ffi.new("void **"))
            else:
                call(lib.clq_buffer_read, place[0], 0, ffi.cast("void *", t.memory), size)
        for array, dense in self._copies:
            np.copyto(array, dense)

    def launch(self, workspace):
        """A clq_launch on the queue, with the caller's scratch memory."""
        launch = ffi.new("clq_launch *")
        launch.struct_size = ffi.sizeof("clq_launch")
        launch.queue = ffi.cast("cl_command_queue", self.queue.int_ptr)
        if workspace is not None:
            launch.workspace = ffi.cast("cl_mem", workspace.int_ptr)
            launch.workspace_bytes = workspace.size
        return launch

    def enqueue(self, functions, arguments, plan, wait_for, workspace):
        """Call the first of `functions` with `arguments` and a clq_launch on the queue, or have a recorder take it.
        `plan(found)` asks what scratch memory it needs."""
        if isinstance(wait_for, Recorder):
            return wait_for.take(self, functions, arguments, workspace)
        found = ffi.new("clq_plan *")
        call(*plan, found)
        borrowed = None
        if found.workspace_bytes and workspace is None:
            borrowed = workspace = _opencl.borrow_workspace(self.context, self.queue, found.workspace_bytes)
        launch = self.launch(workspace if found.workspace_bytes else None)
        kept = _opencl.wait_list(wait_for, self.operands)
        waits = _opencl.WaitList(len(kept)).holding(kept)
        launch.wait_count = len(kept)
        launch.wait_list = waits.pointer if kept else ffi.NULL
        event = ffi.new("intptr_t *")
        launch.event = ffi.cast("cl_event *", event)
        try:
            call(functions[0], *arguments, launch)
            if borrowed is not None:
                _opencl.return_workspace(self.context, self.queue, borrowed)
        finally:  # also behind Ctrl-C, when it is enqueued all the same
            made = _opencl.event_of(event[0], [t.owner for t in self.written]) if event[0] else None
        del waits, kept
        return made

    def refuse_launch(self, wait_for, workspace):
        """What a call on the host does not take."""
        if isinstance(wait_for, Recorder):
            raise TypeError(f"{self.name}: records are for memory of OpenCL, and the operands are in that of the host")
        if wait_for or workspace is not None:
            raise TypeError(f"{self.name}: wait_for= and workspace= are for memory of OpenCL, and the operands are in that "
                            "of the host")


def bytes_of(dtype, count):
    number = _arrays._names.dtype._number.get(dtype)
    return count * _arrays._BYTES[dtype] if number is None else lib.clq_dtype_bytes(number, count)


def _elements(dtype, offset_bytes):
    if dtype in _arrays.PACKED:
        return 2 * offset_bytes
    size = _arrays._BYTES[dtype]
    if offset_bytes % size:
        raise ValueError(f"an operand of {dtype} lies at byte {offset_bytes} of its buffer, no multiple of {size}")
    return offset_bytes // size
