# SPDX-License-Identifier: Apache-2.0
"""What the library's statuses are in Python: one exception each, which is also the built-in one that fits."""
import os
import threading

from clquant._clquant import ffi, lib

__all__ = ["Error", "InvalidArgument", "OutOfMemory", "Unsupported", "NoDevice", "DeviceError", "BuildFailed", "Mismatch",
           "FileError", "BadFile", "Nonfinite", "Cancelled", "Refused"]


class Error(Exception):
    """A call that the library refused or could not do. The text is the library's: what was given, what is required.

    Attributes:
        status: its number, as in clquant/status.h
        status_name: "invalid argument"
        opencl_call, opencl_code: the OpenCL function that failed and its code, or "" and 0
        build_log: what the device's compiler said of a kernel (BuildFailed), or ""
        report: of `quantize_model`, what was found until it failed, else None
    """

    def __init__(self, message, status=0, opencl_call="", opencl_code=0, build_log=""):
        super().__init__(message)
        self.status = status
        self.opencl_call = opencl_call
        self.opencl_code = opencl_code
        self.build_log = build_log
        self.report = None

    @property
    def status_name(self):
        return text(lib.clq_status_name(self.status))

    def __str__(self):
        return self.args[0] + ("\n" + self.build_log if self.build_log else "")

    def __reduce__(self):  # with what the attributes say, as when it comes out of another process
        return type(self), (self.args[0], self.status, self.opencl_call, self.opencl_code, self.build_log)


class InvalidArgument(Error, ValueError):
    """An argument breaks its contract."""


class OutOfMemory(Error, MemoryError):
    """The memory of the host or of the device is exhausted."""


class Unsupported(Error, NotImplementedError):
    """Legal, but not on this device or in this build."""


class NoDevice(Error, LookupError):
    """No device matches the specification."""


class DeviceError(Error, RuntimeError):
    """An OpenCL call failed: `opencl_call`, `opencl_code`."""


class BuildFailed(Error, RuntimeError):
    """The device's compiler refused a kernel: `build_log`."""


class Mismatch(Error, RuntimeError):
    """No kernel of the device gives the bytes of the reference, and the host may not serve."""


class FileError(Error, OSError):
    """A file could not be read or written."""


class BadFile(Error, ValueError):
    """A file breaks its format."""


class Nonfinite(Error, ArithmeticError):
    """The data holds NaN or infinity, and the policy forbids it."""


class Cancelled(Error):
    """The caller asked to stop."""


class Refused(Error):
    """A gate that the request sets, for quality or completeness, is not passed."""


_classes = {
    lib.CLQ_INVALID_ARGUMENT: InvalidArgument, lib.CLQ_OUT_OF_MEMORY: OutOfMemory, lib.CLQ_UNSUPPORTED: Unsupported,
    lib.CLQ_NO_DEVICE: NoDevice, lib.CLQ_DEVICE_ERROR: DeviceError, lib.CLQ_BUILD_FAILED: BuildFailed,
    lib.CLQ_MISMATCH: Mismatch, lib.CLQ_IO_ERROR: FileError, lib.CLQ_BAD_FILE: BadFile, lib.CLQ_NONFINITE: Nonfinite,
    lib.CLQ_CANCELLED: Cancelled, lib.CLQ_REFUSED: Refused,
}


class _Thread(threading.local):
    """An error structure for each thread: 4 KiB that need not be made anew for every call."""

    def __init__(self):
        self.error = ffi.new("clq_error *")
        self.pending = None


_thread = _Thread()


def text(characters):
    return ffi.string(characters).decode("utf-8", "replace")


def encoded(value, name):
    """Text or a path as the library takes it, for whom it ends at the first zero byte."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} is {type(value).__name__}, and text or a path is required")
    made = os.fsencode(value)
    if b"\0" in made:
        raise ValueError(f"{name} is {value!r}, and text without a zero byte is required")
    return made


def interrupt(exception):
    """A callback of this thread's call raised `exception`: the call is to end, and raises it in turn."""
    _thread.pending = exception


def is_interrupted():
    return _thread.pending is not None


def error_of(status, error):
    """The exception that tells of a status."""
    kind = _classes.get(status, Error)
    if error.status != status:  # a function that says no more
        return kind(text(lib.clq_status_name(status)), status)
    return kind(text(error.message), status, text(error.opencl_call), error.opencl_code, text(error.build_log))


def call(function, *arguments):
    """Call a function that returns a status and takes an error last; raise what it tells."""
    thread = _thread
    error = thread.error
    error.status = lib.CLQ_OK
    status = function(*arguments, error)
    if thread.pending is not None:
        pending, thread.pending = thread.pending, None
        raise pending
    if status:
        raise error_of(status, error)
