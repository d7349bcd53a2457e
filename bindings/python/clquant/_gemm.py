# SPDX-License-Identifier: Apache-2.0
"""The matrix product. Which parameter has how many values is told by its shape."""
import os
from typing import Optional, Tuple, Union

from clquant import _arrays, _names
from clquant._clquant import ffi, lib
from clquant._errors import call
from clquant._record import recordable
from clquant._run import Call, bytes_of, product
from clquant._scheme import Scheme, as_scheme, fill_scheme
from clquant._types import ParametersLike, Result, TensorLike

__all__ = ["Weights", "gemm"]

_values = _names.of_type("clq_gemm_values", "values")
_A = ("s8", "u8")
_B = ("s8", "u8", "s4", "u4")
_C = ("s32", "s8", "u8", "f32", "f16", "bf16")


class _Matrix:
    """A tensor as clq_matrix: where its rows are, and how many elements lie between its first and its last."""

    def __init__(self, t, name, dtype, shape=None, transposed=False):
        if t.shape is None:
            raise TypeError(f"{name} is a buffer, and an array is required: pyopencl.array.Array(queue, shape, dtype, "
                            "data=buffer)")
        self.tensor, self.dtype = t, dtype
        if dtype in _arrays.PACKED:
            if shape is None:
                raise TypeError(f"{name}_shape= is required beside codes of {dtype}, two of which share a byte")
            shape = tuple(shape)
            _arrays.require(t, name, dtype, (_arrays.stored_shape(dtype, shape),))
            strides = None
        else:
            if t.dtype != dtype and not (dtype == "bf16" and t.dtype == "u16"):
                raise TypeError(f"{name} is of {t.dtype}, and {dtype} is required")
            shape, strides = t.shape, t.strides
        if len(shape) not in (2, 3):
            raise ValueError(f"{name} has the shape {shape}, and a matrix, or a batch of them, is required")
        if strides is None:
            strides = tuple(product(shape[i + 1:]) for i in range(len(shape)))
        self.batch = shape[0] if len(shape) == 3 else None
        rows, columns = shape[-2:]
        down, right = strides[-2:]
        self.transposed = right != 1 and columns > 1
        lines, length, self.leading, step = ((columns, rows, right, down) if self.transposed else
                                             (rows, columns, down, right))
        if (length > 1 and step != 1) or (lines > 1 and self.leading < length):
            raise ValueError(f"{name} has strides of {strides} elements for the shape {shape}, and rows or columns of "
                             f"consecutive elements are required: pass numpy.ascontiguousarray({name})")
        if lines <= 1:
            self.leading = 0
        self.stride = strides[0] if self.batch not in (None, 1) else 0
        if self.stride < 0:
            raise ValueError(f"{name} has strides of {strides} elements, and none below 0 is possible")
        self.span = (max(lines - 1, 0) * (self.leading or length) + length + max((self.batch or 1) - 1, 0) * self.stride
                     if 0 not in shape else 0)
        if transposed:
            self.transposed = not self.transposed
            rows, columns = columns, rows
        self.rows, self.columns = rows, columns

    def fill(self, matrix):
        matrix.dtype = _names.dtype.number(self.dtype)
        matrix.transposed = self.transposed
        matrix.leading_dimension = self.leading
        matrix.batch_stride = self.stride


def _parameter(x, name, dtype, forms):
    """A parameter and how many values it has: the first of `forms`, (name, shapes), that has its shape."""
    t = _arrays.value(x, dtype, name)
    if t.shape is None:
        raise TypeError(f"{name} is a buffer, and an array is required, whose shape tells how many values it has")
    for values, shapes in forms:
        if t.shape in shapes:
            _arrays.require(t, name, dtype, shapes)
            return t, values, product(t.shape)
    raise ValueError(f"{name} has the shape {t.shape}, and {' or '.join(str(shapes[0]) for _, shapes in forms)} is required")


_TENSOR = ("per-tensor", ((), (1,), (1, 1)))


def _per_row(m, batch):
    return "per-row", (((m,), (m, 1)) if batch is None else ((batch, m), (batch, m, 1)))


def _per_column(n, batch=None):
    return "per-column", (((n,), (1, n)) if batch is None else ((batch, n), (batch, 1, n)))


def _per_group(length, k, k_group, batch):
    groups = -(-k // k_group)
    return "per-group", (((length, groups),) if batch is None else ((batch, length, groups),))


class _Product:
    """A problem and its operands, by name."""

    def __init__(self):
        self.problem = ffi.new("clq_gemm_problem *")
        lib.clq_gemm_init(self.problem)
        self.operands = {}  # name: tensor, type, bytes

    def parameter(self, name, x, dtype, *forms):
        if x is None:
            return
        t, values, count = _parameter(x, name, dtype, forms)
        setattr(self.problem, name, _values.number(values))
        self.operands[name] = t, dtype, bytes_of(dtype, count)

    def set_b(self, b, dtype, shape, transposed, zero_point, k_group):
        t = _arrays.tensor(b, "b")
        b = _Matrix(t, "b", t.dtype if dtype is None and t.dtype in _A else _arrays.dtype_name(dtype or t.dtype, "b_dtype", _B),
                    shape, transposed)
        p = self.problem
        b.fill(p.b)
        p.k, p.n, p.k_group = b.rows, b.columns, k_group or 0
        forms = [_TENSOR, _per_column(b.columns, b.batch)]
        if k_group:
            forms.insert(0, _per_group(b.columns, b.rows, k_group, b.batch))
        self.parameter("b_zero_point", zero_point, "s32", *forms)
        self.operands["b"] = t, b.dtype, bytes_of(b.dtype, b.span)
        return b


class Weights:
    """B packed once, for any number of products and threads: `gemm(a, weights)`. It is copied: b may go or change.

    Args:
        b: s8 or u8 of [k, n], or a batch of them [batch, k, n]; views of it (`w.T`) are read in place
        dtype: "s4" or "u4" for b of uint8 [ceil(k * n / 2)], two codes in each, the even one in the low nibble, with
            shape=(k, n)
        transposed: b is of [n, k], and so is `shape`, as linear layers have them
        zero_point: int32 of (), of [n], or with k_group of [n, ceil(k / k_group)]
        k_group: how many elements of k share a scale
        device, queue: as of `gemm`. With arrays of pyopencl their events, and all that was enqueued on the queue before,
            are waited for.
    """

    def __init__(self, b: TensorLike, *, dtype: Optional[str] = None, shape: Optional[Tuple[int, ...]] = None,
                 transposed: bool = False, zero_point: Optional[ParametersLike] = None, k_group: Optional[int] = None,
                 device=None, queue=None):
        made = _Product()
        matrix = made.set_b(b, dtype, shape, transposed, zero_point, k_group)
        p = made.problem
        p.m = 1
        p.batch = matrix.batch or 1
        if p.batch > 1:
            p.c.batch_stride = p.n
        if k_group:  # what a product with groups has besides
            p.b_scale = _values.number("per-group")
            p.c.dtype = lib.CLQ_F32
        place = self._place = ffi.new("clq_gemm_weights **")
        self._process = os.getpid()
        tensors = {name: t for name, (t, *_) in made.operands.items()}
        with Call("Weights", device, queue, tensors) as run:
            run.settle()
            operands = {name: run.operand(*operand) for name, operand in made.operands.items()}
            none = ffi.NULL, 0
            call(lib.clq_gemm_weights_create, run.handle, p, operands["b"], operands.get("b_zero_point", none), place)
            self.context = run.context
        self._problem = p
        self.n, self.k, self.batch = p.n, p.k, matrix.batch
        self.k_group = k_group

    @property
    def nbytes(self) -> int:
        """What they take of the device's memory."""
        return lib.clq_gemm_weights_bytes(self._place[0])

    def __del__(self, destroy=lib.clq_gemm_weights_destroy, getpid=os.getpid):
        if getattr(self, "_process", None) == getpid():
            destroy(self._place)


@recordable
def gemm(a: TensorLike, b: Union[TensorLike, Weights], *, dtype: Optional[str] = None,
         a_zero_point: Optional[ParametersLike] = None, b_zero_point: Optional[ParametersLike] = None,
         a_scale: Optional[ParametersLike] = None, b_scale: Optional[ParametersLike] = None,
         bias: Optional[TensorLike] = None, a_sums: Optional[TensorLike] = None,
         multiplier: Optional[ParametersLike] = None, shift: Optional[ParametersLike] = None,
         c_zero_point: Optional[ParametersLike] = None, requantize: str = "double",
         minimum: Optional[float] = None, maximum: Optional[float] = None, k_group: Optional[int] = None,
         b_dtype: Optional[str] = None, b_shape: Optional[Tuple[int, ...]] = None, b_transposed: bool = False,
         out: Optional[TensorLike] = None, device=None, queue=None, wait_for=None, workspace=None,
         a_scheme: Union[Scheme, str, None] = None, a_groups: bool = False) -> Result:
    """C = output(bias + (A - a_zero_point) (B - b_zero_point)), the sums in int32.

    Args:
        a: s8 or u8 of [m, k] or [batch, m, k]; or f32, f16 or bf16, which is quantized first, as `dynamic_quantize` does
        a_scheme: of such an a, a Scheme or the name of a preset of 8 bits (None: "symmetric"); a row has a scale, and with
            a_groups each k_group of it. a_scale, a_zero_point and a_sums are not given then, and `dtype` is f32 (None)
        b: s8 or u8 of [k, n] or [batch, k, n], or Weights. Views of matrices, such as `w.T`, are read in place
        b_dtype, b_shape, b_transposed: as `dtype`, `shape` and `transposed` of Weights
        dtype: of the output. "s32" (None): the sums. "f32": times a_scale * b_scale. "s8", "u8": requantized by
            `multiplier` and `shift`, with c_zero_point. With k_group "f32" (None), "f16" or "bf16"
        a_zero_point: int32 of () or [m]; b_zero_point: of (), [n], or with k_group [n, groups]
        a_scale: f32 of (), [m], or with k_group [m, groups]; b_scale: of (), [n], with k_group [n, groups]
        bias: int32 of [n], with k_group f32; a_sums: int32 of [m], the sums of a's rows
        multiplier, shift: int32 of () or [n] (`multiplier_from_real`); requantize="float": multiplier f32, no shift
        minimum, maximum: bounds of the output, as of a fused ReLU
        out: where C goes, [m, n] or [batch, m, n], of `dtype`; None: a new array; in memory of OpenCL it is required
        device, queue, wait_for, workspace: as of `clquant.quantize`

    Where a or b has batches, parameters per row or column have them too: [batch, m], [batch, n].

    Returns:
        C; on a queue a pyopencl.Event.
    """
    made = _Product()
    p = made.problem
    weights = b if isinstance(b, Weights) else None
    if weights is not None:
        for name, given in (("b_zero_point", b_zero_point), ("b_dtype", b_dtype), ("b_shape", b_shape),
                            ("b_transposed", b_transposed or None), ("k_group", k_group)):
            if given is not None:
                raise TypeError(f"{name} is given beside Weights, which were packed with their own")
        q, k_group = weights._problem, weights.k_group
        p.n, p.k, p.k_group, p.b, p.b_zero_point = q.n, q.k, q.k_group, q.b, q.b_zero_point
        b_batch = weights.batch
        if device is None:
            device = weights.context
    else:
        b_batch = made.set_b(b, b_dtype, b_shape, b_transposed, b_zero_point, k_group).batch
    t = _arrays.tensor(a, "a")
    is_real = t.dtype in _arrays.REALS
    if not is_real and t.dtype not in _A and t.dtype is not None:
        raise TypeError(f"a is of {t.dtype}, and s8, u8, f32, f16 or bf16 is required")
    if is_real:
        _quantize_a(p, t, a_scheme, a_groups, {"a_scale": a_scale, "a_zero_point": a_zero_point, "a_sums": a_sums})
    elif a_scheme is not None or a_groups:
        raise TypeError(f"a_scheme= and a_groups= are for a of f32, f16 or bf16, and a is of {t.dtype}")
    a_matrix = _Matrix(t, "a", t.dtype)
    a_matrix.fill(p.a)
    made.operands["a"] = t, t.dtype, bytes_of(t.dtype, a_matrix.span)
    m, a_batch = a_matrix.rows, a_matrix.batch
    if a_matrix.columns != p.k:
        raise ValueError(f"a has k = {a_matrix.columns}, and b k = {p.k}: they are required to be the same")
    if None not in (a_batch, b_batch) and a_batch != b_batch:
        raise ValueError(f"a has {a_batch} batches, and b {b_batch}: as many are required, or a matrix on one side")
    batch = b_batch if a_batch is None else a_batch
    p.m, p.batch = m, 1 if batch is None else batch
    dtype = _arrays.dtype_name(dtype or ("f32" if k_group or is_real else "s32"), "dtype", _C)
    shape = (m, p.n) if batch is None else (batch, m, p.n)
    if out is None:
        if t.is_device:
            raise TypeError("out is required: where in OpenCL's memory the result of gemm goes")
        out = _arrays.new(shape, dtype)
        result = _arrays.returned(out, a, dtype)
    else:
        result = out
    c = _Matrix(_arrays.tensor(out, "out"), "out", dtype)
    if c.transposed or (c.batch, c.rows, c.columns) != (batch, m, p.n):
        raise ValueError(f"out has the shape {c.tensor.shape}, and {shape} is required, in rows of consecutive elements")
    if c.tensor.readonly:
        raise ValueError("out is read-only, or a copy, and is to be written")
    c.fill(p.c)

    a_forms = [_TENSOR, _per_row(m, a_batch)]
    b_forms = [_TENSOR, _per_column(p.n, b_batch)]
    if k_group:
        a_forms.append(_per_group(m, p.k, k_group, a_batch))
        b_forms = [_per_group(p.n, p.k, k_group, b_batch)]
    made.parameter("a_zero_point", a_zero_point, "s32", *a_forms[:2])
    made.parameter("a_sums", a_sums, "s32", a_forms[1])
    made.parameter("a_scale", a_scale, "f32", *a_forms)
    made.parameter("b_scale", b_scale, "f32", *b_forms)
    made.parameter("bias", bias, "f32" if k_group else "s32", _per_column(p.n))
    p.requantize = _names.requantize.number(requantize)
    made.parameter("multiplier", multiplier, "f32" if requantize == "float" else "s32", _TENSOR, _per_column(p.n))
    made.parameter("c_zero_point", c_zero_point, "s32", _TENSOR)
    if shift is not None:
        t, values, count = _parameter(shift, "shift", "s32", (_TENSOR, _per_column(p.n)))
        if _values.number(values) != p.multiplier:
            raise ValueError(f"shift has the shape {t.shape}, and as many values as multiplier has are required")
        made.operands["shift"] = t, "s32", bytes_of("s32", count)
    if minimum is not None:
        p.minimum = minimum
    if maximum is not None:
        p.maximum = maximum
    call(lib.clq_gemm_check, p)
    event = _run(made, c, weights, device, queue, wait_for, workspace)
    return result if event is None else event


def _quantize_a(p, t, scheme, groups, given):
    """The product makes codes of a by itself."""
    for name, x in given.items():
        if x is not None:
            raise TypeError(f"{name} is given beside a of {t.dtype}, of which the product finds its own")
    fill_scheme(ffi.addressof(p, "a_scheme"), as_scheme(scheme or "symmetric"))
    p.a_scale = _values.number("per-group" if groups else "per-row")


def _run(made, c, weights, device, queue, wait_for, workspace):
    places = {name: made.operands[name][0] for name in ("a", "b") if name in made.operands}
    places["out"] = c.tensor
    p = made.problem
    with Call("gemm", device, queue, places) as run:
        operands = ffi.new("clq_gemm_operands *")
        operands.struct_size = ffi.sizeof("clq_gemm_operands")
        for name, operand in made.operands.items():
            setattr(operands, name, run.operand(*operand))
        operands.c = run.operand(c.tensor, c.dtype, bytes_of(c.dtype, c.span), written=True)
        if weights is not None:
            if weights.context is not run.context:
                raise ValueError("the weights were packed for another context")
            operands.weights = weights._place[0]
        if run.is_device:
            return run.enqueue((lib.clq_enqueue_gemm, lib.clq_record_create_gemm), (run.handle, p, operands),
                               (lib.clq_gemm_plan, run.handle, p, weights is not None), wait_for, workspace)
        run.refuse_launch(wait_for, workspace)
        call(lib.clq_gemm, run.handle, p, operands)
        run.finish()
    return None
