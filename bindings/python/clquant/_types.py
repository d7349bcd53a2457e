# SPDX-License-Identifier: Apache-2.0
"""Names for what functions take and return, for tools that check types; nothing is asked of them at run time."""
from typing import TYPE_CHECKING, Any, Protocol, Sequence, Tuple, Union

import numpy as np

if TYPE_CHECKING:
    import pyopencl
    import pyopencl.array

__all__ = ["SupportsDLPack", "TensorLike", "ParametersLike", "Result"]


class SupportsDLPack(Protocol):
    """A tensor of another library: of torch, or any other with the protocol of DLPack."""

    def __dlpack__(self) -> Any: ...

    def __dlpack_device__(self) -> Tuple[int, int]: ...


# A tensor: an array of the host, or one in memory of OpenCL, where a Buffer needs its shape and type beside it.
if TYPE_CHECKING:
    TensorLike = Union[np.ndarray, np.generic, SupportsDLPack, pyopencl.array.Array, pyopencl.Buffer]
else:
    TensorLike = Any  # what asks for the annotations of a function at run time needs no pyopencl
# Scales, zero points, ranges: a tensor, or numbers.
ParametersLike = Union[TensorLike, int, float, Sequence[Any]]
# A tensor of the caller's own kind (numpy.ndarray, torch.Tensor), or a pyopencl.Event where the operands are in memory of
# OpenCL. Which of them follows from the arguments, so that a checker is told Any.
Result = Any
