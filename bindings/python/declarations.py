# SPDX-License-Identifier: Apache-2.0
"""Write the C source of the extension module: usage: declarations.py OUTPUT.c HEADER COMPILER...

What cffi is told comes out of the public headers themselves, as the C compiler reads them: COMPILER is how it is called
to preprocess one (`cc -E -I include`), HEADER the one that includes all others. Text that comes from elsewhere (the C
library, OpenCL) is left out; of OpenCL's types PRELUDE says as much as the headers use. cffi has the C compiler check
all of it when the module is compiled, so that a header that changes is a compile error, never another layout.
"""
import re
import subprocess
import sys

import cffi

PRELUDE = """
typedef struct _cl_context *cl_context;
typedef struct _cl_device_id *cl_device_id;
typedef struct _cl_command_queue *cl_command_queue;
typedef struct _cl_mem *cl_mem;
typedef struct _cl_event *cl_event;
typedef uint32_t cl_uint;
typedef uint64_t cl_mem_flags;
"""

# What the library calls: functions that clquant/_callbacks.py defines.
CALLBACKS = """
extern "Python" {
void clquant_log(void *cookie, clq_log_level level, const char *message);
int clquant_is_cancelled(void *cookie);
void clquant_file_progress(void *cookie, const clq_file_progress *progress);
void clquant_file_message(void *cookie, clq_log_level level, const char *message);
int clquant_file_is_cancelled(void *cookie);
}
"""

# DLPack 1.x, by its specification: what __dlpack__ hands over is read in place.
DLPACK = """
typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;
typedef struct {
    void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape; int64_t *strides; uint64_t byte_offset;
} DLTensor;
typedef struct {
    struct { uint32_t major, minor; } version; void *manager_ctx; void *deleter; uint64_t flags; DLTensor dl_tensor;
} DLManagedTensorVersioned;
"""


def own_text(preprocessed):
    """The lines that come from include/clquant, by the compiler's line markers."""
    kept, ours = [], False
    for line in preprocessed.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            ours = "/clquant/" in marker.group(1).replace("\\", "/")
        elif ours and line.strip() and not line.startswith("#"):
            kept.append(line)
    return "\n".join(kept)


def main(output, header, *compiler):
    program = f'#include <{header}>\n'
    run = subprocess.run([*compiler, "-DCLQ_API=", "-x", "c", "-"], input=program, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"declarations.py: {' '.join(compiler)} cannot preprocess <{header}>:\n{run.stderr}")
    declarations = own_text(run.stdout)
    if "clq_version(" not in declarations:
        sys.exit(f"declarations.py: no declaration of the library in <{header}> as {compiler[0]} preprocesses it")
    builder = cffi.FFI()
    builder.cdef((PRELUDE if "clq_enqueue(" in declarations else "") + declarations + CALLBACKS + DLPACK)
    # On the stack of every function there is what cffi needs; DLPack's types are the module's own.
    builder.set_source("clquant._clquant", program + DLPACK, py_limited_api=True)
    builder.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
