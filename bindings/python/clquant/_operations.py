# SPDX-License-Identifier: Apache-2.0
"""The operations on one tensor."""
import dataclasses
import functools
from typing import Any, NamedTuple, Optional, Tuple, Union

import numpy as np

from clquant import _arrays, _names
from clquant._arrays import REALS
from clquant._clquant import ffi, lib
from clquant._context import as_context
from clquant._errors import call, text
from clquant._record import recordable
from clquant._run import Call, bytes_of, product
from clquant._scheme import Scheme, as_scheme, fill_scheme
from clquant._types import ParametersLike, Result, TensorLike

__all__ = ["Range", "Quantized", "Plan", "minmax", "quantize", "dequantize", "fake_quantize", "dynamic_quantize",
           "choose_parameters_from", "plan", "prepare", "parameter_shape"]


class Range(NamedTuple):
    """What `minmax` finds. `range` has the shape of the parameters and 2 behind it; `nonfinite` is the number of elements
    that are NaN or infinite, and the flat index of the first (2^64 - 1: there is none)."""

    range: Any
    nonfinite: Any


class Quantized(NamedTuple):
    """What `dynamic_quantize` makes."""

    codes: Any
    scale: Any
    zero_point: Any
    range: Any
    nonfinite: Any


@dataclasses.dataclass(frozen=True)
class Plan:
    """What would run; the fields are those of clq_plan."""

    variant: str
    reason: str
    workspace_bytes: int
    by_host: bool


def plan_of(struct):
    return Plan(text(struct.variant), text(struct.reason), struct.workspace_bytes, bool(struct.by_host))


class _Description:
    """A clq_quantization and what follows from its layout; `forms`: what each operand is, by name."""

    __slots__ = ("arguments", "q", "shape", "elements", "parameters", "parameter_shape", "shapes", "real", "codes", "forms")

    def strided(self, strides):
        """The description with strides, of "real_strides" and "code_strides" those that are not None."""
        if not any(strides.values()):
            return self
        return _describe(*self.arguments, strides.get("real_strides"), strides.get("code_strides"))


class _Form(NamedTuple):
    """What an operand has to be."""

    dtype: str
    size: int  # bytes between its first and its last
    shapes: Tuple[Tuple[int, ...], ...]
    may_stride: bool


def _form(dtype, count, shapes, may_stride=False):
    return _Form(dtype, bytes_of(dtype, count), shapes, may_stride)


@functools.lru_cache(maxsize=1024, typed=True)
def _describe(shape, axis, group_size, real, scheme, real_strides=None, code_strides=None):
    d = _Description()
    d.arguments = shape, axis, group_size, real, scheme
    d.q = ffi.new("clq_quantization *")
    lib.clq_quantization_init(d.q)
    d.q.real = _names.dtype.number(real)
    fill_scheme(ffi.addressof(d.q, "scheme"), scheme)
    layout = d.q.layout
    rank = layout.rank = len(shape)
    if group_size is not None:
        group_size = _arrays.whole(group_size, "group_size", 0)
    if axis is not None:
        axis = _arrays.whole(axis, "axis")
        if not -rank <= axis < rank:
            raise ValueError(f"axis is {axis}, and a tensor of rank {rank} has {-rank} to {rank - 1}")
        axis %= rank
        layout.axis = axis
    for i, length in enumerate(shape[:lib.CLQ_MAX_RANK]):
        layout.shape[i] = length
    layout.granularity = _names.granularity.number(
        {(False, False): "tensor", (True, False): "channel", (False, True): "group", (True, True): "block"}[
            axis is not None, group_size is not None])
    if group_size is not None:
        layout.group_size = group_size
    for name, strides in ("real_strides", real_strides), ("code_strides", code_strides):
        for i, step in enumerate((strides or ())[:lib.CLQ_MAX_RANK]):
            getattr(d.q, name).stride[i] = step
    counts = ffi.new("uint64_t[2]")
    spans = ffi.new("uint64_t[2]")  # as many elements lie between the first and the last
    call(lib.clq_quantization_check, d.q)
    call(lib.clq_strides_span, ffi.addressof(layout), ffi.addressof(d.q, "real_strides"), spans)
    call(lib.clq_strides_span, ffi.addressof(layout), ffi.addressof(d.q, "code_strides"), spans + 1)
    call(lib.clq_layout_count, ffi.addressof(layout), counts, counts + 1)
    d.shape, d.elements, d.parameters = shape, counts[0], counts[1]
    d.real, d.codes = real, scheme.dtype
    if group_size is not None:
        grouped = list(shape) or [1]
        along = -1 if axis is None else axis
        grouped[along] = -(-grouped[along] // group_size)
        d.shapes = (tuple(grouped),)
    elif axis is not None:
        d.shapes = ((shape[axis],), tuple(length if i == axis else 1 for i, length in enumerate(shape)))
    else:
        d.shapes = ((), (1,))
    d.parameter_shape = d.shapes[0]
    ranges = tuple(shape + (2,) for shape in d.shapes)
    d.forms = {
        "x": _form(real, spans[0], (shape,), True), "y": _form(real, spans[0], (shape,), True),
        "codes": _form(d.codes, spans[1], (_arrays.stored_shape(d.codes, shape),), d.codes not in _arrays.PACKED),
        "scale": _form("f32", d.parameters, d.shapes), "zero_point": _form("s32", d.parameters, d.shapes),
        "range": _form("f32", 2 * d.parameters, ranges), "nonfinite": _form("u64", 2, ((2,),)),
    }
    return d


def parameter_shape(shape: Tuple[int, ...], *, axis: Optional[int] = None,
                    group_size: Optional[int] = None) -> Tuple[int, ...]:
    """The shape of the scales and zero points of a tensor: () for all of it, (C,) for channels along `axis`; with groups
    that of the tensor with ceil(length / group_size) along the axis, which without `axis` is the last."""
    return _describe(_arrays.shape_of(shape), axis, group_size, "f32", as_scheme("symmetric")).parameter_shape


def _real_of(t, real, name):
    """The type of a tensor of reals, as it says, or as the caller says of one that cannot."""
    if real is None:
        if t.dtype is None:
            raise TypeError(f"{name} is a buffer: real= is required beside it, the type of its elements")
        real = t.dtype
    if real not in REALS:
        real = _arrays.dtype_name(real, "real", REALS) if t.dtype is None or t.dtype in REALS else _refuse_real(t, name)
    if t.dtype is not None and t.dtype != real and not (real == "bf16" and t.dtype == "u16"):
        raise TypeError(f"{name} is of {t.dtype}, and real= is {real!r}")
    return real


def _refuse_real(t, name):
    hint = ': pass real="bf16" if these are bits of bf16' if t.dtype == "u16" else ""
    hint = f": pass {name}.astype(numpy.float32)" if t.dtype == "float64" else hint
    raise TypeError(f"{name} is of {t.dtype}, and f32, f16 or bf16 is required{hint}")


def _shape_of(t, shape, name):
    if shape is None:
        if t.shape is None:
            raise TypeError(f"{name} is a buffer: shape= is required beside it")
        return t.shape
    return _arrays.shape_of(shape)


_STRIDES = {"x": "real_strides", "y": "real_strides", "codes": "code_strides"}  # of roles whose tensors may have some


class _Operands:
    """Collects an operation's operands, checks them against its description, and runs it."""

    def __init__(self, operation, d, device, queue):
        self.operation, self.d, self.device, self.queue = operation, d, device, queue
        self.rows = []  # role, tensor, form without strides, whether it is written
        self.forms = d.forms

    def _add(self, role, t, name, written):
        form = self.forms[role]
        _arrays.require(t, name, form.dtype, form.shapes, written=written, strided=form.may_stride)
        self.rows.append((role, t, form, written))

    def read(self, role, t, name):
        self._add(role, t, name, False)

    def parameters(self, scale, zero_point):
        self.read("scale", _arrays.value(scale, "f32", "scale"), "scale")
        if zero_point is None:
            zero_point = np.zeros(self.d.parameter_shape, np.int32)
        self.read("zero_point", _arrays.value(zero_point, "s32", "zero_point"), "zero_point")

    def write(self, role, out, name, like=None):
        """An output: the caller's, or on the host a new one."""
        result = out
        if out is None:
            if any(t.is_device for _, t, *_ in self.rows):
                raise TypeError(f"{name} is required: where in OpenCL's memory the result of {self.operation} goes")
            form = self.forms[role]
            out = _arrays.new(form.shapes[0], form.dtype, like)
            result = _arrays.returned(out, like, form.dtype)
        self._add(role, _arrays.tensor(out, name), name, True)
        return result

    def _strides(self, made):
        """Those that the call is told of. Where tensors of one side differ in theirs, it is told of none."""
        found = {}
        if not [t for _, t, *_ in self.rows if t.strides is not None]:  # as nearly always
            return found
        for role, t, *_ in self.rows:
            if role in _STRIDES:
                found.setdefault(_STRIDES[role], {})[role] = t.strides
        for side, strides in found.items():
            differ = len(set(strides.values())) > 1
            if differ and made.is_device:
                given = ", ".join(f"{steps} of {role}" for role, steps in strides.items())
                raise ValueError(f"{self.operation}: strides of {given} elements (None: dense) were given, and equal ones "
                                 "are required in memory of OpenCL")
            found[side] = None if differ or not made.keeps_strides else next(iter(strides.values()))
        return found

    def run(self, wait_for, workspace):
        """None for a call on the host, the event of one on a queue."""
        places = {role: t for role, t, _, written in self.rows
                  if t.is_device or written or role not in ("scale", "zero_point")}  # which are copied when read
        with Call(self.operation, self.device, self.queue, places) as made:
            operands = ffi.new("clq_operands *")
            operands.struct_size = ffi.sizeof("clq_operands")
            strides = self._strides(made)
            d = self.d.strided(strides)
            for role, t, form, written in self.rows:
                dense = not strides.get(_STRIDES.get(role))
                setattr(operands, role, made.operand(t, form.dtype, (form if dense else d.forms[role]).size, written, dense))
            if made.is_device:
                number = _names.operation.number(self.operation)
                return made.enqueue((lib.clq_enqueue, lib.clq_record_create), (made.handle, number, d.q, operands),
                                    (lib.clq_plan_operation, made.handle, number, d.q), wait_for, workspace)
            made.refuse_launch(wait_for, workspace)
            function, roles = _FUNCTIONS[self.operation]
            call(function, made.handle, d.q, *(getattr(operands, role) for role in roles))
            made.finish()
        return None


_FUNCTIONS = {
    "minmax": (lib.clq_minmax, ("x", "range", "nonfinite")),
    "choose-parameters": (lib.clq_choose_parameters_from, ("range", "scale", "zero_point")),
    "quantize": (lib.clq_quantize, ("x", "scale", "zero_point", "codes")),
    "dequantize": (lib.clq_dequantize, ("codes", "scale", "zero_point", "y")),
    "fake-quantize": (lib.clq_fake_quantize, ("x", "scale", "zero_point", "y")),
    "dynamic-quantize": (lib.clq_dynamic_quantize, ("x", "codes", "scale", "zero_point", "range", "nonfinite")),
}


def _begin(operation, x, scheme, dtype, real, axis, group_size, shape, device, queue):
    """The operands of an operation that reads x."""
    t = _arrays.tensor(x, "x")
    d = _describe(_shape_of(t, shape, "x"), axis, group_size, _real_of(t, real, "x"), as_scheme(scheme, dtype))
    operands = _Operands(operation, d, device, queue)
    operands.read("x", t, "x")
    return operands


def _outputs(out, names):
    """`out` of a function with several results."""
    if out is None:
        return (None,) * len(names)
    if not isinstance(out, (tuple, list)) or len(out) != len(names):
        given = f"{len(out)} arrays" if isinstance(out, (tuple, list)) else type(out).__name__
        raise TypeError(f"out is {given}, and a tuple of {len(names)} is required: {', '.join(names)}")
    return out


def _result(event, made):
    return made if event is None else event


@recordable
def minmax(x: TensorLike, *, axis: Optional[int] = None, group_size: Optional[int] = None, real=None, shape=None,
           out: Optional[Range] = None, device=None, queue=None, wait_for=None, workspace=None) -> Result:
    """The range of every parameter's elements, and a count of NaN and infinity, which are left out of it.

    Args:
        x: reals of any shape
        out: a Range of arrays to write

    Returns:
        Range(range, nonfinite): f32 of parameter_shape + (2,), lo and hi; u64 of (2,), how many are not finite and the
        flat index of the first. On a queue the pyopencl.Event.

    What stands in `clquant.quantize` of axis, group_size, real, shape, device, queue, wait_for and workspace holds here.
    """
    operands = _begin("minmax", x, "symmetric", None, real, axis, group_size, shape, device, queue)
    out = _outputs(out, Range._fields)
    made = Range(operands.write("range", out[0], "out.range", x), operands.write("nonfinite", out[1], "out.nonfinite"))
    return _result(operands.run(wait_for, workspace), made)


@recordable
def quantize(x: TensorLike, scale: ParametersLike, zero_point: Optional[ParametersLike] = None, *,
             scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None, axis: Optional[int] = None,
             group_size: Optional[int] = None, real=None, shape=None, out: Optional[TensorLike] = None, device=None,
             queue=None, wait_for=None, workspace=None) -> Result:
    """codes = clamp(round(x / scale) + zero_point), in the order, rounding and arithmetic of the scheme.

    Args:
        x: f32, f16 or bf16 of any shape: an array of NumPy, or of anything with __dlpack__ (torch), dense or with strides
            of at least 1, such as x.T and x[:, ::2]; bf16 as ml_dtypes.bfloat16, or as uint16 with real="bf16". In memory
            of OpenCL a pyopencl.array.Array, a pyopencl.Buffer with shape= and real=, or DLPack of it with queue=
        scale: f32 of parameter_shape, or a number
        zero_point: int32 of the same shape; None: 0
        scheme: a Scheme or the name of a preset; `dtype`: type of the codes, None: the preset's
        axis, group_size: which elements share a scale. Neither: all. axis: those of a channel. group_size: so many
            consecutive ones of the last axis, or with axis along that one
        out: where the codes go: an array of x's shape, with strides of its own, and the codes' type (s4, u4: dense uint8
            of (ceil(n / 2),), the even element in the low nibble). None: a new one, dense; in memory of OpenCL it is
            required
        device: a Context or its spec; None: "auto", or that of the queue
        queue: the pyopencl.CommandQueue for memory of OpenCL; None: that of the arrays
        wait_for: pyopencl.Events to wait for, beside those of the arrays
        workspace: a pyopencl.Buffer of plan(...).workspace_bytes; None: one is made where it is needed

    Returns:
        the codes, when they are there; on a queue a pyopencl.Event at once.
    """
    operands = _begin("quantize", x, scheme, dtype, real, axis, group_size, shape, device, queue)
    operands.parameters(scale, zero_point)
    out = operands.write("codes", out, "out", x)
    return _result(operands.run(wait_for, workspace), out)


@recordable
def dequantize(codes: TensorLike, scale: ParametersLike, zero_point: Optional[ParametersLike] = None, *,
               scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None, axis: Optional[int] = None,
               group_size: Optional[int] = None, real="f32", shape=None, out: Optional[TensorLike] = None, device=None,
               queue=None, wait_for=None, workspace=None) -> Result:
    """y = scale * (codes - zero_point), the product in f32, then rounded to `real`.

    Args:
        codes: as quantize makes them; their type is that of the array, or `dtype` or the scheme's for s4 and u4, which
            need `shape`, that of the tensor
        real: "f32", "f16", "bf16", or a type of NumPy; "bf16" comes as uint16, ml_dtypes.bfloat16 as such

    Returns:
        y, of the tensor's shape; on a queue a pyopencl.Event. All else is as in `clquant.quantize`.
    """
    t = _arrays.tensor(codes, "codes")
    if isinstance(scheme, str) and dtype is None and t.dtype in ("s8", "u8", "s16", "u16"):
        dtype = _dtype_of_codes(scheme, t.dtype)
    made = as_scheme(scheme, dtype)
    if made.dtype in _arrays.PACKED and shape is None:
        raise TypeError(f"shape= is required beside codes of {made.dtype}, two of which share a byte")
    name = _arrays.dtype_name(real, "real", REALS)
    d = _describe(_shape_of(t, shape, "codes"), axis, group_size, name, made)
    operands = _Operands("dequantize", d, device, queue)
    operands.read("codes", t, "codes")
    operands.parameters(scale, zero_point)
    if out is None and not t.is_device and not isinstance(real, str):
        out = np.empty(d.shape, real)
    out = operands.write("y", out, "out", codes)
    return _result(operands.run(wait_for, workspace), out)


def _dtype_of_codes(preset, dtype):
    """The codes' own type, where the preset is there in it; dequantizing looks at no other field."""
    try:
        Scheme.preset(preset, dtype)
        return dtype
    except ValueError:
        return None


@recordable
def fake_quantize(x: TensorLike, scale: ParametersLike, zero_point: Optional[ParametersLike] = None, *,
                  scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None, axis: Optional[int] = None,
                  group_size: Optional[int] = None, real=None, shape=None, out: Optional[TensorLike] = None,
                  device=None, queue=None, wait_for=None, workspace=None) -> Result:
    """y = dequantize(quantize(x)) in one pass, of x's type. `out` may be x itself; in memory of OpenCL it has x's strides.
    All else as in `clquant.quantize`."""
    operands = _begin("fake-quantize", x, scheme, dtype, real, axis, group_size, shape, device, queue)
    operands.parameters(scale, zero_point)
    out = operands.write("y", out, "out", x)
    return _result(operands.run(wait_for, workspace), out)


@recordable
def dynamic_quantize(x: TensorLike, *, scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None,
                     axis: Optional[int] = None, group_size: Optional[int] = None, real=None, shape=None,
                     out: Optional[Quantized] = None, device=None, queue=None, wait_for=None, workspace=None) -> Result:
    """Range, scale, zero point and codes of a tensor, with nothing read back by the host in between.

    Returns:
        Quantized(codes, scale, zero_point, range, nonfinite): codes as of `quantize`, scale f32 and zero_point int32 of
        parameter_shape, range and nonfinite as of `minmax`. On a queue, where `out` is required, a pyopencl.Event.
    """
    operands = _begin("dynamic-quantize", x, scheme, dtype, real, axis, group_size, shape, device, queue)
    out = _outputs(out, Quantized._fields)
    made = Quantized(*(operands.write(role, given, f"out.{role}", x if role != "nonfinite" else None)
                       for role, given in zip(Quantized._fields, out)))
    return _result(operands.run(wait_for, workspace), made)


@recordable
def choose_parameters_from(range: TensorLike, *, scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None,
                           out: Optional[Tuple[TensorLike, TensorLike]] = None, device=None, queue=None,
                           wait_for=None) -> Result:
    """(scale, zero_point) for ranges, f32 of parameter_shape + (2,) as `minmax` gives them. `out`: the two to write."""
    t = _arrays.tensor(range, "range")
    if not t.shape or t.shape[-1] != 2:
        raise ValueError(f"range has the shape {t.shape}, and 2 is required behind that of the parameters")
    shape = t.shape[:-1]
    d = _describe((product(shape),), 0, None, "f32", as_scheme(scheme, dtype))
    operands = _Operands("choose-parameters", d, device, queue)
    operands.forms = {"range": _form("f32", 2 * d.parameters, (t.shape,)), "scale": _form("f32", d.parameters, (shape,)),
                      "zero_point": _form("s32", d.parameters, (shape,))}
    operands.read("range", t, "range")
    out = _outputs(out, ("scale", "zero_point"))
    made = operands.write("scale", out[0], "out[0]", range), operands.write("zero_point", out[1], "out[1]", range)
    return _result(operands.run(wait_for, None), made)


def plan(operation: str, shape, *, scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None,
         axis: Optional[int] = None, group_size: Optional[int] = None, real="f32", device=None) -> Plan:
    """What would run for `operation` ("quantize", "dynamic-quantize", ...), and why; nothing is compiled or run."""
    return _planned(lib.clq_plan_operation, operation, shape, scheme, dtype, axis, group_size, real, device)


def prepare(operation: str, shape, *, scheme: Union[Scheme, str] = "symmetric", dtype: Optional[str] = None,
            axis: Optional[int] = None, group_size: Optional[int] = None, real="f32", device=None) -> Plan:
    """Do ahead of time what the first call does: compile kernels and compare them with the reference. The plan then
    tells by `by_host` whether a queue of one's own will be refused."""
    arguments = operation, shape, scheme, dtype, axis, group_size, real, device
    _planned(lib.clq_prepare, *arguments)
    return _planned(lib.clq_plan_operation, *arguments)


def _planned(function, operation, shape, scheme, dtype, axis, group_size, real, device):
    number = _names.operation.number(operation)
    real = _arrays.dtype_name(real, "real", REALS)
    d = _describe(_arrays.shape_of(shape), axis, group_size, real, as_scheme(scheme, dtype))
    held = as_context(device)._handle()
    if function is lib.clq_prepare:
        return call(function, held.context, number, d.q)
    found = ffi.new("clq_plan *")
    call(function, held.context, number, d.q, found)
    return plan_of(found)
