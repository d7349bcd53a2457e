# SPDX-License-Identifier: Apache-2.0
"""How a tensor is quantized, as plain data."""
import dataclasses
import functools
from typing import Optional, Tuple, Union

from clquant import _arrays, _names
from clquant._clquant import ffi, lib
from clquant._errors import call, encoded

__all__ = ["Scheme", "Parameters", "presets", "choose_parameters", "multiplier_from_real"]

_KINDS = {name: field.type for name, field in ffi.typeof("clq_scheme").fields if name != "struct_size"}
_CODES = ("s8", "u8", "s4", "u4", "s16", "u16")
_FLAGS = ("symmetric", "widen_to_zero", "zero_point_clamp")


@dataclasses.dataclass(frozen=True)
class Scheme:
    """A numeric scheme: every choice that decides a byte. The fields are those of clq_scheme (clquant/scheme.h).

    `Scheme.preset("onnx", "s8")` makes one; `dataclasses.replace(scheme, rounding="away")` one that differs.
    """

    dtype: str  # quantized type: "s8", "u8", "s4", "u4", "s16" or "u16"
    qmin: int  # codes used, within the type
    qmax: int
    rounding: str  # "even" or "away": where ties go
    zero_point_order: str  # "after" or "before": clamp(round(x/S) + Z) or clamp(round(x/S + Z))
    arithmetic: str  # "divide" or "reciprocal": x/S or x * (1/S)
    symmetric: bool  # from here on: how parameters follow from a range
    widen_to_zero: bool
    divisor: float
    minimum_width: float
    minimum_scale: float
    zero_point_rule: str  # "fixed", "from-max", "from-min", "lesser-error" or "from-quotient"
    zero_point_fixed: int
    zero_point_rounding: str  # "round-even", "round-away" or "truncate"
    zero_point_clamp: bool
    zero_point_min: int
    zero_point_max: int
    precision: str  # "double", "scale-single" or "single"
    degenerate: str  # "unit-scale", "unit-width" or "minimum-scale"

    @classmethod
    def preset(cls, name: str, dtype: Optional[str] = None) -> "Scheme":
        """The scheme of that name (`clquant.presets`), in the preset's own type or in `dtype`."""
        return _preset(name, dtype)

    def __hash__(self):
        known = self.__dict__.get("_hash")
        if known is None:
            known = hash(dataclasses.astuple(self))
            object.__setattr__(self, "_hash", known)
        return known

    def __getstate__(self):  # hashes of text differ between processes
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


presets: Tuple[str, ...] = tuple(_names.preset.name.values())


@functools.lru_cache(maxsize=None)
def _preset(name, dtype):
    number = ffi.new("clq_preset *")
    call(lib.clq_preset_from_name, encoded(name, "preset"), number)
    struct = ffi.new("clq_scheme *")
    call(lib.clq_scheme_from_preset, number[0], 0 if dtype is None else _names.dtype.number(_arrays.dtype_name(dtype, "dtype", _CODES)), struct)
    return scheme_of(struct)


def scheme_of(struct):
    values = {}
    for name, kind in _KINDS.items():
        value = getattr(struct, name)
        values[name] = (_names.of_type(kind.cname, name).name[value] if kind.kind == "enum" else
                        bool(value) if name in _FLAGS else value)
    return Scheme(**values)


def fill_scheme(struct, scheme):
    struct.struct_size = ffi.sizeof("clq_scheme")
    for name, kind in _KINDS.items():
        value = getattr(scheme, name)
        setattr(struct, name, _names.of_type(kind.cname, name).number(value) if kind.kind == "enum" else value)


def as_scheme(scheme: Union[Scheme, str], dtype: Optional[str] = None) -> Scheme:
    """What a `scheme` argument says, with the `dtype` beside it."""
    if isinstance(scheme, str):
        return _preset(scheme, dtype)
    if not isinstance(scheme, Scheme):
        raise TypeError(f"scheme is {type(scheme).__name__}, and a clquant.Scheme or the name of a preset is required")
    if dtype is not None and _arrays.dtype_name(dtype, "dtype", _CODES) != scheme.dtype:
        raise ValueError(f"dtype is {dtype!r} beside a scheme of {scheme.dtype!r}: Scheme.preset(name, {dtype!r}) makes "
                         "one of that type")
    return scheme


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Scale and zero point for a range; the fields are those of clq_parameters."""

    scale: float
    zero_point: int
    scale_double: float
    lo: float
    hi: float


def choose_parameters(lo: float, hi: float, scheme: Union[Scheme, str] = "symmetric",
                      dtype: Optional[str] = None) -> Parameters:
    """Scale and zero point for the range [lo, hi], by the host alone."""
    struct = ffi.new("clq_scheme *")
    fill_scheme(struct, as_scheme(scheme, dtype))
    found = ffi.new("clq_parameters *")
    call(lib.clq_choose_parameters, struct, lo, hi, found)
    return Parameters(**{field.name: getattr(found, field.name) for field in dataclasses.fields(Parameters)})


def multiplier_from_real(real: float) -> Tuple[int, int]:
    """(multiplier, shift) of `gemm` for a real multiplier: Q * 2^(shift - 31), as TFLite has it."""
    found = ffi.new("clq_multiplier *")
    call(lib.clq_multiplier_from_real, real, found)
    return found.q31, found.shift
