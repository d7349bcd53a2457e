# SPDX-License-Identifier: Apache-2.0
"""Functions that the library calls. They may come from any thread; cffi takes the interpreter's lock for them."""
import logging

from clquant._clquant import ffi, lib
from clquant._errors import interrupt, is_interrupted, text

logger = logging.getLogger("clquant")
_levels = {lib.CLQ_LOG_WARNING: logging.WARNING, lib.CLQ_LOG_INFO: logging.INFO, lib.CLQ_LOG_DEBUG: logging.DEBUG}


def _stop(exception, value, traceback):
    interrupt(value)


@ffi.def_extern(onerror=_stop)
def clquant_log(cookie, level, message):
    logger.log(_levels.get(level, logging.INFO), "%s", text(message))


# In the main thread the interpreter runs signal handlers in here, so that Ctrl-C ends a first call between two compiles.
@ffi.def_extern(error=1, onerror=_stop)
def clquant_is_cancelled(cookie):
    return is_interrupted()


@ffi.def_extern()
def clquant_file_progress(cookie, progress):
    ffi.from_handle(cookie).on_progress(progress)


@ffi.def_extern()
def clquant_file_message(cookie, level, message):
    ffi.from_handle(cookie).on_message(_levels.get(level, logging.INFO), text(message))


@ffi.def_extern(error=1)
def clquant_file_is_cancelled(cookie):
    return ffi.from_handle(cookie).is_cancelled
