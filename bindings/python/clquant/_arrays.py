# SPDX-License-Identifier: Apache-2.0
"""Tensors as callers have them, seen as address, shape and type of the library. Nothing is copied or converted here."""
import ctypes
import functools
import operator
import sys

import numpy as np

from clquant import _names
from clquant._clquant import ffi, lib

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_capsule_is_valid.restype = ctypes.c_int
_capsule_is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]

NUMPY = {"f32": np.dtype("f4"), "f16": np.dtype("f2"), "bf16": np.dtype("u2"), "s8": np.dtype("i1"),
         "u8": np.dtype("u1"), "s4": np.dtype("u1"), "u4": np.dtype("u1"), "s16": np.dtype("i2"),
         "u16": np.dtype("u2"), "s32": np.dtype("i4"), "u64": np.dtype("u8")}
_FROM_NUMPY = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "int8": "s8", "uint8": "u8", "int16": "s16",
               "uint16": "u16", "int32": "s32", "uint64": "u64"}
_FROM_DLPACK = {(2, 32): "f32", (2, 16): "f16", (4, 16): "bf16", (0, 8): "s8", (1, 8): "u8", (0, 16): "s16",
                (1, 16): "u16", (0, 32): "s32", (1, 64): "u64"}
_BYTES = {name: dtype.itemsize for name, dtype in NUMPY.items()}
PACKED = ("s4", "u4")
REALS = ("f32", "f16", "bf16")
CPU, CUDA_HOST, OPENCL = 1, 3, 4  # DLDeviceType
READ_ONLY, IS_COPIED = 1, 2  # DLPACK_FLAG_BITMASK_...: what is written into a copy never comes to the producer's tensor


@functools.lru_cache(maxsize=4096)
def _form(dtype, shape, strides):
    """Of an array of NumPy's type and strides in bytes: the library's name of its type, or NumPy's own of one that the
    library does not have, None of one of another byte order; and its strides as a Tensor has them."""
    if not dtype.isnative:
        return None, None
    size = dtype.itemsize or 1
    return _FROM_NUMPY.get(dtype.name, dtype.name), _strides_of(
        shape, tuple(step / size if step % size else step // size for step in strides))


class Tensor:
    """One tensor: `dtype` is the library's name of its type (or the caller's for one it does not have), `strides` are in
    elements, None for a dense one, `memory` an address of the host or, with `is_device`, a cl_mem; `owner` keeps it
    alive."""

    __slots__ = ("dtype", "shape", "strides", "memory", "offset_bytes", "is_device", "readonly", "owner", "kept")

    def __init__(self, dtype, shape, strides, memory, owner, *, offset_bytes=0, is_device=False, readonly=False, kept=None):
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
        self.memory = memory
        self.offset_bytes = offset_bytes
        self.is_device = is_device
        self.readonly = readonly
        self.owner = owner
        self.kept = kept


def _strides_of(shape, strides):
    """None for a dense tensor; those of dimensions with one index, which say nothing, are 1."""
    strides = tuple(1 if length == 1 else step for length, step in zip(shape, strides))
    dense = 1
    is_dense = True
    for length, step in zip(reversed(shape), reversed(strides)):
        is_dense = is_dense and (length == 1 or step == dense)
        dense *= length
    return None if is_dense or dense == 0 else strides


def _byte_order(dtype, name):
    return ValueError(f"{name} has the byte order of another machine ({dtype.str}): convert it with "
                      f"{name}.astype({name}.dtype.newbyteorder('='))")


def _of_numpy(x, name):
    shape = x.shape
    dtype, strides = _form(x.dtype, shape, x.strides)
    if dtype is None:
        raise _byte_order(x.dtype, name)
    flags = x.flags
    if not flags.aligned:
        raise ValueError(f"{name} lies at an address that is no multiple of its elements' size, {x.dtype.itemsize} bytes: "
                         f"pass {name}.copy()")
    return Tensor(dtype, shape, strides, x.__array_interface__["data"][0], x, readonly=not flags.writeable)


def _of_dlpack(x, name):
    kind = int(x.__dlpack_device__()[0])
    if kind not in (CPU, CUDA_HOST, OPENCL):
        raise TypeError(f"{name} is on a device of DLPack's type {kind}, and {CPU} (CPU) or {OPENCL} (OpenCL) is required: "
                        "copy it to the host first")
    try:
        capsule = x.__dlpack__(max_version=(1, 0))
    except TypeError:  # a producer older than versions
        capsule = x.__dlpack__()
    readonly = False
    if _capsule_is_valid(capsule, b"dltensor_versioned"):
        managed = ffi.cast("DLManagedTensorVersioned *", _capsule_pointer(capsule, b"dltensor_versioned"))
        if managed.version.major != 1:
            raise TypeError(f"{name} is of version {managed.version.major} of DLPack, and 1 is known")
        tensor = managed.dl_tensor
        readonly = bool(managed.flags & (READ_ONLY | IS_COPIED))
    else:
        tensor = ffi.cast("DLTensor *", _capsule_pointer(capsule, b"dltensor"))[0]
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    strides = None
    if tensor.strides != ffi.NULL:
        strides = _strides_of(shape, tuple(tensor.strides[i] for i in range(tensor.ndim)))
    kind_of = (tensor.dtype.code, tensor.dtype.bits)
    dtype = _FROM_DLPACK.get(kind_of, f"DLPack's {kind_of}") if tensor.dtype.lanes == 1 else "a vector"
    memory, offset = int(ffi.cast("uintptr_t", tensor.data)), int(tensor.byte_offset)
    if kind != OPENCL:
        memory, offset = memory + offset, 0
        if memory % _BYTES.get(dtype, 1):
            raise ValueError(f"{name} lies at an address that is no multiple of its elements' size")
    # The capsule stays as it came: who made it frees the tensor when it goes.
    return Tensor(dtype, shape, strides, memory, x, offset_bytes=offset, is_device=kind == OPENCL, readonly=readonly,
                  kept=capsule)


_memory = None  # pyopencl's class of buffers, once one of its objects was seen


def _of_pyopencl(x, name):
    """A pyopencl.array.Array, or a pyopencl.Buffer, which has no type and shape of its own."""
    global _memory
    if _memory is None:
        _memory = sys.modules["pyopencl"].MemoryObjectHolder
    if isinstance(x, _memory):
        return Tensor(None, None, None, x.int_ptr, x, is_device=True)
    data = getattr(x, "base_data", None)
    if data is None or not hasattr(data, "int_ptr"):
        raise TypeError(f"{name} is {type(x).__module__}.{type(x).__name__}, and an array or a buffer of pyopencl is "
                        "required (no image, no SVM)")
    shape = x.shape
    dtype, strides = _form(x.dtype, shape, x.strides)
    if dtype is None:
        raise _byte_order(x.dtype, name)
    return Tensor(dtype, shape, strides, data.int_ptr, x, offset_bytes=x.offset, is_device=True, kept=data)


def _of_scalar(x, name):
    t = _of_numpy(np.asarray(x), name)
    t.readonly = True  # a copy, as any array of it is
    return t


_readers = {}  # by type, of those that were seen


def _refuse_masked(x, name):
    raise TypeError(f"{name} is a masked array, and its mask would be passed over: pass {name}.filled(value)")


def _reader_of(x):
    if isinstance(x, np.ma.MaskedArray):
        return _refuse_masked
    if isinstance(x, np.ndarray):
        return _of_numpy
    if type(x).__module__.startswith("pyopencl"):
        return _of_pyopencl
    return _of_scalar if isinstance(x, np.generic) else None


def tensor(x, name):
    """A tensor of any kind that is taken."""
    kind = type(x)
    reader = _readers.get(kind)
    if reader is None:
        reader = _reader_of(x)
        if reader is None and hasattr(x, "__dlpack__"):  # which one object of a type may have, and another one not
            return _of_dlpack(x, name)
        if reader is None:
            raise TypeError(f"{name} is {kind.__name__}, and an array is required: of NumPy, of pyopencl, or anything "
                            "with __dlpack__")
        _readers[kind] = reader
    return reader(x, name)


def value(x, dtype, name):
    """A tensor of parameters, which plain numbers may be, too."""
    if isinstance(x, (bool, int, float, list, tuple, np.number)):
        made = np.asarray(x)
        if made.dtype.kind not in ("iuf" if dtype == "f32" else "iu"):
            raise TypeError(f"{name} is {x!r}, and numbers of {dtype} are required")
        if dtype == "s32" and made.size and not (-2**31 <= int(made.min()) and int(made.max()) < 2**31):
            raise ValueError(f"{name} is {x!r}, and numbers that fit an int32 are required")
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(made, NUMPY[dtype]).reshape(made.shape)
        if dtype == "f32" and (np.isinf(stored) & ~np.isinf(made)).any():
            raise ValueError(f"{name} is {x!r}, and numbers that fit an f32 are required")
        return _of_numpy(stored, name)
    return tensor(x, name)


def whole(x, name, least=None):
    """An int of what may be one of NumPy's."""
    try:
        made = operator.index(x)
    except TypeError:
        raise TypeError(f"{name} is {x!r}, and a whole number is required") from None
    if least is not None and not least <= made < 2**63:
        raise ValueError(f"{name} is {made}, and at least {least} is required{', and below 2^63' if made > 0 else ''}")
    return made


def shape_of(shape, name="shape"):
    """A shape as the caller gives it, which may be one length."""
    lengths = shape if isinstance(shape, (tuple, list)) or hasattr(shape, "__iter__") else (shape,)
    return tuple(whole(length, name, 0) for length in lengths)


def dtype_name(dtype, what, allowed):
    """The library's name of a type that is given as one, or as NumPy has it."""
    name = dtype
    if not isinstance(dtype, str) or dtype not in _names.dtype._number:
        try:
            name = _FROM_NUMPY.get(np.dtype(dtype).name)
        except TypeError:
            name = None
    if name not in allowed:
        raise ValueError(f"{what} is {dtype!r}, and one of {', '.join(allowed)} is required")
    return name


def stored_shape(dtype, shape):
    """The shape of an array that holds the elements: of 4-bit codes two share a byte."""
    if dtype not in PACKED:
        return tuple(shape)
    count = 1
    for length in shape:
        count *= length
    return (int(lib.clq_dtype_bytes(_names.dtype.number(dtype), count)),)


def require(t, name, dtype, shapes, *, written=False, strided=False):
    """Refuse a tensor that is not of this type and one of these shapes, dense, or with strides that the library takes
    where it may be `strided`, and writable where it is written. Of a buffer nothing is known."""
    if t.dtype is None:
        return
    stored = "u8" if dtype in PACKED else dtype
    if t.dtype != stored and not (dtype == "bf16" and t.dtype == "u16"):
        raise TypeError(f"{name} is of {t.dtype}, and {_of_type(dtype)} is required")
    if t.shape not in shapes:
        raise ValueError(f"{name} has the shape {t.shape}, and {' or '.join(map(str, shapes))} is required")
    if t.strides is not None and not strided:
        raise ValueError(f"{name} is not contiguous in row-major order (strides of {t.strides} elements): pass "
                         f"numpy.ascontiguousarray({name})")
    if t.strides is not None and not all(isinstance(step, int) and step > 0 for step in t.strides):
        raise ValueError(f"{name} has strides of {t.strides} elements, and whole ones of at least 1 are required: pass "
                         f"numpy.ascontiguousarray({name})")
    if written and t.readonly:
        raise ValueError(f"{name} is read-only, or a copy, and is to be written")


def _of_type(dtype):
    return {"bf16": "bf16 (ml_dtypes.bfloat16, or uint16 that hold its bits)", "s4": "uint8 (two codes of s4 in each)",
            "u4": "uint8 (two codes of u4 in each)"}.get(dtype, dtype)


def view(t, dtype):
    """The tensor's memory of the host as an array of NumPy, bf16 as its bits."""
    size = _BYTES[dtype]
    span = 1 + sum((length - 1) * step for length, step in zip(t.shape, t.strides))
    memory = ffi.buffer(ffi.cast("char *", t.memory), span * size)
    return np.ndarray(t.shape, NUMPY[dtype], memory, strides=[step * size for step in t.strides])


def new(shape, dtype, like=None):
    """An array for a result, of a type of the library's; `like`: bf16 as this one has it."""
    if dtype == "bf16" and isinstance(getattr(like, "dtype", None), np.dtype) and like.dtype.name == "bfloat16":
        return np.empty(shape, like.dtype)
    return np.empty(shape, NUMPY[dtype])


def returned(array, like, dtype=None):
    """A result in the kind of the caller's own: for a tensor of torch one of torch, over the same memory."""
    if type(like).__module__.split(".")[0] != "torch":
        return array
    torch = sys.modules["torch"]
    if dtype == "bf16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)
