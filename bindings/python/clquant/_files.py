# SPDX-License-Identifier: Apache-2.0
"""Model files: a request in, events meanwhile, a report out (clquant/files.h)."""
import _thread
import dataclasses
import os
import threading
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Tuple, Union

from clquant import _names
from clquant._callbacks import logger
from clquant._clquant import ffi, lib
from clquant._context import as_context
from clquant._errors import call, encoded, text

__all__ = ["Errors", "FileTensor", "FileReport", "Progress", "quantize_model"]

Path = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Errors:
    """How far a tensor is from what it was; the fields are those of clq_errors."""

    maximum: float
    maximum_index: int
    mean: float
    sqnr_db: float
    cosine: float
    exact: bool


@dataclasses.dataclass(frozen=True)
class FileTensor:
    """What became of one tensor. A `scheme` of parameters: bounds of scales, zero points and ranges over all of them."""

    name: str
    outcome: str  # "processed", or "copied" for `reason`
    reason: Optional[str]
    falls_short: bool  # copied, though it is of floating point and selected
    source_dtype: str  # as files say: "F32"
    source_shape: Tuple[int, ...]
    dtype: str  # in the output: "s8", or as files say
    shape: Tuple[int, ...]
    elements: int
    parameters: int
    nonfinite: int
    range: Tuple[float, float]
    scale: Tuple[float, float]
    zero_point: Tuple[int, int]
    errors: Optional[Errors]  # None: it was not measured
    clipped: int
    variant: str  # the kernel


@dataclasses.dataclass(frozen=True)
class FileReport:
    """What a run over files did."""

    tensors: Tuple[FileTensor, ...]  # in the order of the file
    processed_count: int
    bytes_in: int
    bytes_out: int
    seconds: float
    device: str
    is_written: bool  # the output stands under its name, even if the call failed later
    is_resumable: bool  # a call with resume=True continues from what this one left
    check: str
    check_seed: int
    checked_elements: int
    copied_files: int
    copied_file_bytes: int

    def __getitem__(self, name: str) -> FileTensor:
        """The tensor of that name."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is; the fields are those of clq_file_progress."""

    operation: str
    tensor: Optional[str]  # the one at work
    after: Optional[str]  # None while data is read; then what is left to do: "flushing to disk"
    done_bytes: int
    all_bytes: int
    skipped_bytes: int


def _optional(characters):
    return None if characters == ffi.NULL else text(characters)


def _side(side):
    return text(side.dtype), tuple(side.shape[i] for i in range(side.rank))


def _tensor(struct):
    errors = None
    if struct.measured:
        values = {field.name: getattr(struct.errors, field.name) for field in dataclasses.fields(Errors)}
        errors = Errors(**dict(values, exact=bool(values["exact"])))
    source, target = _side(struct.source), _side(struct.target)
    return FileTensor(text(struct.name), _names.of_type("clq_file_outcome").name[struct.outcome].replace("file-", ""),
                      _optional(struct.reason), bool(struct.falls_short), *source, *target, struct.elements,
                      struct.parameters, struct.nonfinite.count, (struct.range_low, struct.range_high),
                      (struct.scale_low, struct.scale_high), (struct.zero_point_low, struct.zero_point_high), errors,
                      struct.clipped, text(struct.variant))


def _report(struct):
    values = {}
    for field in dataclasses.fields(FileReport):
        value = getattr(struct, field.name)
        values[field.name] = bool(value) if field.name.startswith("is_") else value
    values["tensors"] = tuple(_tensor(struct.tensors[i]) for i in range(struct.tensor_count))
    values["device"] = text(struct.device)
    values["check"] = _names.of_type("clq_file_check").name[struct.check]
    return FileReport(**values)


class _Request:
    """A clq_file_request, and what its fields point at."""

    def __init__(self):
        self.struct = ffi.new("clq_file_request *")
        lib.clq_file_request_init(self.struct)
        self._types = {name: field.type for name, field in ffi.typeof("clq_file_request").fields}
        self._kept = []

    def _bytes(self, value, name):
        kept = ffi.new("char[]", encoded(value, name))
        self._kept.append(kept)
        return kept

    def _names(self, values, name):
        if isinstance(values, (str, bytes)):
            raise TypeError(f"{name} is the text {values!r}, and a list of them is required: [{values!r}]")
        made = ffi.new("char *[]", [self._bytes(value, name) for value in values])
        self._kept.append(made)
        return made

    def set(self, name, value):
        """A field, by its type; None leaves it as the library has it. `has_` of a name goes with it."""
        if value is None:
            return
        kind = self._types[name]
        if kind.kind == "enum":
            value = _names.of_type(kind.cname, name).number(value)
        elif kind.cname == "struct clq_name_list":
            array = self._names(value, name)
            value = {"items": ffi.cast("char const * const *", array), "count": len(array)}
        elif kind.cname == "char const *" or kind.cname == "char *":
            value = self._bytes(value, name)
        elif kind.kind == "primitive" and isinstance(value, bool):
            value = int(value)
        setattr(self.struct, name, value)
        if "has_" + name in self._types:
            setattr(self.struct, "has_" + name, 1)

    def set_numbers(self, name, value, kind):
        """Numbers, or a file that holds them."""
        if value is None:
            return
        if isinstance(value, (str, os.PathLike)):
            self.set(name + "_file", value)
            return
        values = [value] if isinstance(value, (int, float)) else [item for item in value]
        made = ffi.new(kind, values)
        self._kept.append(made)
        setattr(self.struct, name, made)
        setattr(self.struct, name + "_count", len(made))

    def set_axis_patterns(self, patterns):
        made = ffi.new("clq_axis_pattern[]", len(patterns))
        for i, (pattern, axis) in enumerate(patterns.items()):
            made[i].pattern = self._bytes(pattern, "axis_patterns")
            made[i].axis = axis
        self._kept.append(made)
        self.struct.axis_patterns, self.struct.axis_pattern_count = made, len(made)


class _Run:
    """One call, in a thread of its own: the caller's is there for signals and for `progress`."""

    def __init__(self, progress):
        self.progress = progress
        self.is_cancelled = 0
        self.raised = None

    def on_progress(self, struct):
        if self.progress is None or self.raised is not None:
            return
        try:
            self.progress(Progress(text(struct.operation), _optional(struct.tensor), _optional(struct.after),
                                   struct.done_bytes, struct.all_bytes, struct.skipped_bytes))
        except BaseException as raised:  # the caller's: it ends the call
            self.raised = raised
            self.is_cancelled = 1

    def on_message(self, level, message):
        logger.log(level, "%s", message)

    def __call__(self, function, held, request):
        handle = ffi.new_handle(self)
        events = ffi.new("clq_file_events *")
        events.struct_size = ffi.sizeof("clq_file_events")
        events.cookie = handle
        events.progress = lib.clquant_file_progress
        events.message = lib.clquant_file_message
        events.is_cancelled = lib.clquant_file_is_cancelled
        place = ffi.new("clq_file_report **")
        done = {}

        def work(kept=(handle, held)):  # all that the library points at lives as long as the thread
            try:
                call(function, held.context, request.struct, events, place)
            except BaseException as failure:
                done["failure"] = failure
            if place[0] != ffi.NULL:
                done["report"] = _report(place[0])
                lib.clq_file_report_destroy(place)

        interrupt = _wait_for_thread(work, self)
        failure = done.get("failure")
        if failure is not None and hasattr(failure, "report"):
            failure.report = done.get("report")
        for raised in (interrupt, self.raised, failure):
            if raised is not None:
                raise raised
        return done["report"]


def _wait_for_thread(work, run):
    """Do `work` in a thread of its own, and wait for it whatever signals come: the first ends the run, after the pieces
    that are under way, and is returned. A handler may raise in the middle of any line here, also between the start of the
    thread and what would note it."""
    lock, ended = threading.Lock(), threading.Event()
    state = {"begun": False, "abandoned": False}

    def body():
        with lock:
            if state["abandoned"]:
                return
            state["begun"] = True
        try:
            work()
        finally:
            ended.set()

    interrupt = None
    try:
        _thread.start_new_thread(body, ())
    except BaseException as raised:
        run.is_cancelled = 1
        interrupt = raised
        with lock:
            state["abandoned"] = not state["begun"]
    while not state["abandoned"] and not ended.is_set():
        try:
            ended.wait(0.1)  # no longer: a signal that comes just before it sleeps wakes nobody
        except BaseException as raised:
            run.is_cancelled = 1
            interrupt = interrupt or raised
    return interrupt


def quantize_model(input: Path, output: Path, *, preset: str = "symmetric", dtype: Optional[str] = None,
                   format: Optional[str] = None, block: Optional[str] = None, granularity: Optional[str] = None,
                   axis: Optional[int] = None, axis_patterns: Optional[Mapping[str, int]] = None,
                   group_size: Optional[int] = None, include: Iterable[str] = (), exclude: Iterable[str] = (),
                   minimum_rank: Optional[int] = None, rounding: Optional[str] = None, zero_point_order: Optional[str] = None,
                   arithmetic: Optional[str] = None, calibration: str = "minmax",
                   scale: Union[float, Sequence[float], Path, None] = None,
                   zero_point: Union[int, Sequence[int], Path, None] = None,
                   range: Optional[Tuple[float, float]] = None, ranges_file: Optional[Path] = None,
                   activations: Optional[str] = None, config_file: Optional[Path] = None, ignore_nonfinite: bool = False,
                   minimum_sqnr_db: Optional[float] = None, strict: bool = False, allow_empty: bool = False,
                   replace: bool = False, resume: bool = False, dry_run: bool = False, follow_links: bool = False,
                   memory_bytes: Optional[int] = None, check: Optional[str] = None, check_seed: Optional[int] = None,
                   progress: Optional[Callable[[Progress], Any]] = None, device=None) -> FileReport:
    """Quantize a model file of any size into another: what `clquant quantize` does, with the same bytes.

    The arguments are the fields of clq_file_request (clquant/files.h), which docs/files.md tells of; None is its default.

    Args:
        input: a .safetensors, an index of shards, a .gguf, a .npy, or a folder that holds a model
        output: a file of a name that tells its kind, or a folder
        preset, dtype, rounding, zero_point_order, arithmetic: the scheme of the codes
        format: "clquant", "compressed-tensors", "pack-quantized" or "gguf"; `block`: "q8_0" or "q4_0" for the last
        granularity: "tensor", "channel" (None: this, of tensors of rank 2 and more) or "group", with `group_size` (128)
        axis: of channels or groups; `axis_patterns`: {pattern: axis} for tensors by their names, the last match counts
        include, exclude: patterns of names of tensors
        calibration: "minmax", "percentile:99.9", "mse" or "entropy"
        scale, zero_point: parameters that are given, as numbers or a .npy file; `range`: (lo, hi) for all;
            `ranges_file`: as `clquant calibrate` writes it
        progress: called with a Progress, often, from a thread of the call. What it raises ends the run, and is raised
        check: "none", "sample" or "all" of the device's results are computed again by the reference

    Returns:
        FileReport. Warnings go to `logging.getLogger("clquant")`.

    Raises:
        Error: by status; its `report` has what was found until then. An output appears under its name when all of it is
            on disk, or not at all, also after Ctrl-C, which ends the run after the pieces that are under way.
    """
    request = _Request()
    given = dict(input=input, output=output, preset=preset, dtype=dtype, format=format, block=block,
                 granularity=granularity, axis=axis, group_size=group_size, include=include, exclude=exclude,
                 minimum_rank=minimum_rank, rounding=rounding, zero_point_order=zero_point_order, arithmetic=arithmetic,
                 ranges_file=ranges_file, activations=activations, config_file=config_file,
                 ignore_nonfinite=ignore_nonfinite, minimum_sqnr_db=minimum_sqnr_db, strict=strict,
                 allow_empty=allow_empty, replace=replace, resume=resume, dry_run=dry_run, follow_links=follow_links,
                 memory_bytes=memory_bytes, check=check, check_seed=check_seed)
    for name, value in given.items():
        request.set(name, value)
    if minimum_sqnr_db is not None:
        request.struct.has_minimum_sqnr = 1
    request.set_axis_patterns(axis_patterns or {})
    request.set_numbers("scale", scale, "double[]")
    request.set_numbers("zero_point", zero_point, "int32_t[]")
    if range is not None:
        request.struct.has_range = 1
        request.struct.range_lo, request.struct.range_hi = range
    call(lib.clq_calibration_from_text, encoded(calibration, "calibration"), ffi.addressof(request.struct, "calibration"))
    held = as_context(device)._handle()
    return _Run(progress)(lib.clq_file_quantize, held, request)
