# SPDX-License-Identifier: Apache-2.0
"""Enumerators of the library as text: CLQ_ROUND_EVEN of clq_rounding is "even". All of it follows from the headers."""
import os

from clquant._clquant import ffi


class Names:
    """Both ways for one enumeration."""

    def __init__(self, type_name, what):
        elements = dict(sorted(ffi.typeof(type_name).elements.items()))
        prefix = os.path.commonprefix([name for name in elements.values() if not name.endswith("_COUNT")])
        prefix = prefix[:prefix.rindex("_") + 1]
        self.what = what
        self.name = {number: name[len(prefix):].lower().replace("_", "-") for number, name in elements.items()
                     if not name.endswith("_COUNT")}
        self._number = {name: number for number, name in self.name.items()}

    def number(self, name):
        try:
            return self._number[name.replace("_", "-")]
        except (KeyError, AttributeError):
            raise ValueError(f"{self.what} is {name!r}, and one of {', '.join(self._number)} is required") from None


dtype = Names("clq_dtype", "dtype")
preset = Names("clq_preset", "preset")
granularity = Names("clq_granularity", "granularity")
operation = Names("clq_operation", "operation")
device_type = Names("clq_device_type", "type")
requantize = Names("clq_requantize_mode", "requantize")
_by_type = {}


def of_type(type_name, what=None):
    """The names of any enumeration, by the name of its type."""
    if type_name not in _by_type:
        _by_type[type_name] = Names(type_name, what)
    return _by_type[type_name]
