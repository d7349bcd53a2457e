# SPDX-License-Identifier: Apache-2.0
"""Devices and contexts on them."""
import atexit
import ctypes
import dataclasses
import os
import sys
import threading
from typing import List, Optional, Union

from clquant import _callbacks, _names  # noqa: F401 (the callbacks must be there before a context is)
from clquant._clquant import ffi, lib
from clquant._errors import Unsupported, call, encoded, text

__all__ = ["Context", "Device", "devices", "opencl_available"]


@dataclasses.dataclass(frozen=True)
class Device:
    """Facts about a device; the fields are those of clq_device_info."""

    platform: int
    device: int
    type: str
    name: str
    platform_name: str
    version: str
    driver: str
    compute_units: int
    global_memory_bytes: int
    maximum_allocation_bytes: int
    usable: bool
    missing: str
    in_process: bool

    @property
    def spec(self) -> str:
        """What `device=` and Context take for it: "0:1", "native", "reference"; of a sub-device its name."""
        if not self.version:
            return "native" if self.type == "cpu" else "reference"
        return self.name if self.platform < 0 else f"{self.platform}:{self.device}"


def _device_of(info):
    values = {}
    for name, field in ffi.typeof("clq_device_info").fields:
        value = getattr(info, name)
        values[name] = text(value) if field.type.kind == "array" else value
    values["type"] = _names.device_type.name[info.type]
    values["usable"] = bool(info.usable)
    values["in_process"] = bool(info.in_process)
    return Device(**values)


_OWN = ("native", "reference")  # need no OpenCL
_lock = threading.Lock()
_by_spec = {}  # contexts of this process by what was asked for
_opencl_begun = False  # by this process, or one that it is forked from
_is_forked = False  # from a process that had begun OpenCL


def require_opencl():
    """Refuse memory and queues of OpenCL in a module that was built without (CLQ_OPENCL=OFF)."""
    if not hasattr(lib, "clq_context_from_opencl"):
        raise Unsupported("this module was built without OpenCL: an operand in its memory, or a queue, needs one that is "
                          "built with it (docs/python.md, Installing)", lib.CLQ_UNSUPPORTED)


def _share_loader():
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


def _opencl_begins():
    """OpenCL is about to be used. Its threads do not outlive a fork, so that a driver hangs in the child."""
    global _opencl_begun
    if _is_forked:
        raise RuntimeError("OpenCL was used before this process was forked, and does not work in the child: start it by "
                           "multiprocessing's 'spawn' or 'forkserver', or take device='native'")
    _opencl_begun = True


def _after_fork():
    """The parent's contexts are the parent's: they are dropped, and never destroyed, in the child."""
    global _by_spec, _is_forked, _lock
    _lock = threading.Lock()
    _by_spec = {}
    _is_forked = _is_forked or _opencl_begun


def _at_exit():
    _by_spec.clear()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


def devices() -> List[Device]:
    """All there are, best first; "native" and "reference", which need no driver, last."""
    _opencl_begins()
    count = ffi.new("size_t *")
    call(lib.clq_devices, 0, ffi.NULL, count)
    infos = ffi.new("clq_device_info[]", count[0])
    call(lib.clq_devices, count[0], infos, count)
    return [_device_of(infos[i]) for i in range(min(len(infos), count[0]))]


def opencl_available() -> bool:
    """Whether OpenCL's functions are there, whatever devices they show. It is loaded when it is first needed."""
    _opencl_begins()
    return lib.clq_opencl_available(ffi.NULL) == lib.CLQ_OK


class _Handle:
    """Owns a clq_context; who is in a call holds it, so that none is destroyed under a call's feet."""

    __slots__ = ("context", "process")

    def __init__(self, context):
        self.context = context
        self.process = os.getpid()

    def __del__(self, destroy=lib.clq_context_destroy, new=ffi.new, getpid=os.getpid):
        if self.process == getpid():
            destroy(new("clq_context **", self.context))


class Context:
    """A device with its compiled kernels. Any number of threads may use one at once; a forked child makes its own.

    Args:
        spec: "auto" (the best OpenCL device, else native), "native", "reference", "cpu", "gpu", "0:1", or a part of a
            name. In a child that was forked from a process which used OpenCL, "auto" is "native".
        cache: a folder that keeps compiled kernels between processes; None: none is kept
        tiles: False: products do not ask the system for the processor's tile registers (AMX), which they use only where
            the process has been given them already

    Messages of the library go to `logging.getLogger("clquant")`.
    """

    def __init__(self, spec: str = "auto", *, cache: Optional[Union[str, "os.PathLike[str]"]] = None, tiles: bool = True):
        if not isinstance(spec, str):
            raise TypeError(f"spec is {type(spec).__name__}, and a str is required, such as 'auto'")
        if spec == "auto" and _is_forked:
            spec = "native"
        if spec not in _OWN:
            _opencl_begins()
        made = ffi.new("clq_context **")
        call(lib.clq_context_create, encoded(spec, "spec"), made)
        self._begin(made[0], cache, tiles)

    @classmethod
    def from_pyopencl(cls, queue, *, cache: Optional[Union[str, "os.PathLike[str]"]] = None,
                      tiles: bool = True) -> "Context":
        """A context over that of a pyopencl.CommandQueue, which is retained and never owned."""
        require_opencl()
        _opencl_begins()
        _share_loader()
        self = cls.__new__(cls)
        made = ffi.new("clq_context **")
        call(lib.clq_context_from_opencl, ffi.cast("cl_context", queue.context.int_ptr),
             ffi.cast("cl_device_id", queue.device.int_ptr), made)
        self._begin(made[0], cache, tiles)
        return self

    def _begin(self, context, cache, tiles):
        self._held = _Handle(context)
        self._constants = {}  # on queues of pyopencl: buffers by what they hold,
        self._workspaces = {}  # and scratch memory by queue
        info = ffi.new("clq_device_info *")
        lib.clq_context_device(context, info)
        self.device = _device_of(info)
        self._is_host = self.device.type in ("cpu", "reference")  # whose memory is the host's own: nothing is copied
        lib.clq_context_set_log(context, lib.clquant_log, ffi.NULL)
        lib.clq_context_set_cancel(context, lib.clquant_is_cancelled, ffi.NULL)
        lib.clq_context_set_tile_permission(context, bool(tiles))
        if cache is not None:
            call(lib.clq_context_set_cache, context, encoded(cache, "cache"))

    def _handle(self):
        held = self._held
        if held is None:
            raise ValueError("the context is closed")
        if held.process != os.getpid():
            raise RuntimeError("the context was made before this process was forked, and works in the parent only: make "
                               "one in each process")
        return held

    def close(self) -> None:
        """Destroy it, as soon as no call is using it. Contexts that are dropped are closed, too."""
        self._held = None
        self._constants, self._workspaces = {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def __reduce__(self):
        raise TypeError("a context belongs to its process: hand over its spec, as in Context(spec)")

    def __repr__(self):
        return f"<clquant.Context {self.device.name!r} ({self.device.spec})>"


def as_context(device) -> Context:
    """What a `device` argument says: a context, or a specification, whose context is made once in a process."""
    if isinstance(device, Context):
        return device
    spec = "auto" if device is None else device
    known = _by_spec.get(spec)
    if known is not None:
        return known
    made = Context(spec)  # outside the lock: drivers take their time
    with _lock:
        return _by_spec.setdefault(spec, made)
