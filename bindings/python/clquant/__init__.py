# SPDX-License-Identifier: Apache-2.0
"""int8 quantization on any OpenCL device, and without one on this processor, with the same bytes on all of them.

    >>> import clquant, numpy
    >>> q = clquant.dynamic_quantize(numpy.array([-1, -0.25, 0.5, 1], "f4"))
    >>> q.codes
    array([-127,  -32,   64,  127], dtype=int8)

See docs/python.md.
"""
from clquant._calibrate import Calibration, calibrate
from clquant._context import Context, Device, devices, opencl_available
from clquant._errors import (BadFile, BuildFailed, Cancelled, DeviceError, Error, FileError, InvalidArgument, Mismatch,
                             NoDevice, Nonfinite, OutOfMemory, Refused, Unsupported, text)
from clquant._clquant import lib as _lib
from clquant._files import Errors, FileReport, FileTensor, Progress, quantize_model
from clquant._gemm import Weights, gemm
from clquant._operations import (Plan, Quantized, Range, choose_parameters_from, dequantize, dynamic_quantize,
                                 fake_quantize, minmax, parameter_shape, plan, prepare, quantize)
from clquant._record import Record, record, record_batch
from clquant._scheme import Parameters, Scheme, choose_parameters, multiplier_from_real, presets
from clquant._types import ParametersLike, Result, SupportsDLPack, TensorLike

__version__ = text(_lib.clq_version())
del text

__all__ = [name for name in dir() if not name.startswith("_")]
