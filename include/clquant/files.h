/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files (.safetensors, sharded checkpoints by their .safetensors.index.json, .gguf, .npy) of any size, within a
 * budget of memory: a request in, events meanwhile, a report out.
 *
 *     clq_file_request request;
 *     clq_file_request_init(&request);
 *     request.input = "model.safetensors";
 *     request.output = "model-s8.safetensors";
 *     status = clq_file_quantize(context, &request, NULL, &report, &error);
 *
 * The bytes of an output depend on the input and the request alone, not on the device, nor on the memory allowed. An
 * output appears under its name when all of it is on disk, or not at all.
 *
 * Threads: each call uses threads of its own while it lasts; a context may serve several calls at once. Paths, names
 * and arrays of a request need to live as long as the call.
 */
#ifndef CLQUANT_FILES_H
#define CLQUANT_FILES_H

#include <clquant/calibration.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------
 * Requests
 * --------------------------------------------------------------------------------------------- */

/* How a range follows from data. Percentile, mse and entropy look at a histogram. */
typedef enum clq_calibration_kind {
    CLQ_CALIBRATE_MINMAX = 0,     /* the least and the greatest element */
    CLQ_CALIBRATE_AVERAGE = 1,    /* a moving one over batches, of clq_file_calibrate only */
    CLQ_CALIBRATE_PERCENTILE = 2, /* clq_histogram_percentile */
    CLQ_CALIBRATE_MSE = 3,        /* clq_histogram_mse */
    CLQ_CALIBRATE_ENTROPY = 4,    /* clq_histogram_entropy */
    CLQ_CALIBRATE_MEAN = 5        /* of the ranges of all batches; of clq_file_calibrate only */
} clq_calibration_kind;

/* A kind and its number. */
typedef struct clq_calibration {
    clq_calibration_kind kind; /* which of the two below counts */
    double percent;            /* of a percentile: above 0, to 100 */
    float averaging;           /* of a moving average: above 0, to 1; else 0 */
} clq_calibration;

/*
 * "minmax", "moving-average", "moving-average:0.05", "mean", "percentile:99.9", "mse", "entropy"; CLQ_INVALID_ARGUMENT
 * for any other text. The other way round the text is as short as it can be, at most 63 bytes.
 */
CLQ_API clq_status clq_calibration_from_text(const char *text, clq_calibration *calibration, clq_error *error);
CLQ_API void clq_calibration_text(const clq_calibration *calibration, char *text, size_t capacity);

/* Names, or patterns of names as in a shell. */
typedef struct clq_name_list {
    const char *const *items; /* NULL when there are none */
    size_t count;             /* of items */
} clq_name_list;

/*
 * How much of what the device computes is computed again on the host, by native, or by the reference where native is
 * the device, and compared before anything is put in its place (what differs from native by the reference, which
 * decides): nothing, a random part (about 1 % of the elements, spread over all tensors, with the ends of each), or
 * everything. A difference is CLQ_MISMATCH; nothing is written then, and nothing kept for `resume`.
 */
typedef enum clq_file_check {
    CLQ_CHECK_BY_DEVICE = 0, /* none where the device computes in this process (clq_device_info), elsewhere sample */
    CLQ_CHECK_NONE = 1,      /* nothing */
    CLQ_CHECK_SAMPLE = 2,    /* the random part */
    CLQ_CHECK_ALL = 3        /* everything */
} clq_file_check;

/* How quantized tensors lie in an output, and so who can load it (docs/files.md). */
typedef enum clq_file_format {
    CLQ_FORMAT_BY_OUTPUT = 0, /* gguf for NAME.gguf or its folder, compressed-tensors for other folders, else clquant */
    CLQ_FORMAT_CLQUANT = 1,   /* T, T_scale, T_zero_point: every type and layout that the library knows */
    CLQ_FORMAT_COMPRESSED_TENSORS = 2, /* "int-quantized": s8 codes of the weights of linear layers */
    CLQ_FORMAT_PACK_QUANTIZED = 3,     /* the same with 4 or 8-bit codes packed into words of 32 bits */
    CLQ_FORMAT_GGUF = 4                /* blocks of 32, into a .gguf */
} clq_file_format;

/* What an engine is told to do with the inputs of the layers that were quantized: compressed-tensors alone. */
typedef enum clq_activations {
    CLQ_ACTIVATIONS_BY_FORMAT = 0,     /* per token where an engine can run it so, else none */
    CLQ_ACTIVATIONS_NONE = 1,          /* nothing: they stay in float */
    CLQ_ACTIVATIONS_DYNAMIC_TOKEN = 2, /* s8, a scale for each token found while running */
    CLQ_ACTIVATIONS_STATIC = 3         /* s8, a scale for each module, from the file of ranges */
} clq_activations;

/* The axis of channels or groups, of the tensors whose names match a pattern. */
typedef struct clq_axis_pattern {
    const char *pattern; /* * and ? as in a shell */
    int32_t axis;        /* negative: from the last */
} clq_axis_pattern;

/* What the report holds beyond a summary of each tensor. */
enum {
    CLQ_FILE_PARAMETERS = 1, /* ranges, scales and zero points of every parameter */
    CLQ_FILE_HISTOGRAMS = 2, /* clq_file_calibrate: histograms */
    CLQ_FILE_WORST = 4       /* clq_file_calibrate: one histogram of each of the worst tensors */
};

/* How many tensors CLQ_FILE_WORST takes. */
enum { CLQ_FILE_WORST_COUNT = 6 };

/*
 * What to do. Fill in with clq_file_request_init, then set what differs; each function says which fields it reads
 * beyond `input`, `memory_bytes` and `details`. Messages call fields by the options of the command that set them, which
 * stand here in parentheses.
 */
typedef struct clq_file_request {
    uint32_t struct_size; /* sizeof(clq_file_request), set by clq_file_request_init */
    /* Files */
    const char *input;           /* a file, or a folder that holds a model */
    const char *reference;       /* clq_file_compare: what `input` is compared with */
    clq_name_list inputs;        /* clq_file_calibrate: one file for each batch; in place of `input` */
    const char *output;          /* (--output) */
    int32_t replace;             /* (--force) not 0: an output that is there is replaced */
    int32_t follow_links;        /* (--follow-links) read files of a folder through links that lead anywhere */
    clq_file_format format;      /* (--format) of the output */
    clq_activations activations; /* (--activations) */
    /* Tensors */
    clq_name_list tensors;   /* (--tensor) clq_file_minmax, _dequantize: these, by name; none: all */
    clq_name_list include;   /* (--include) clq_file_quantize, _calibrate: patterns of names; none: all */
    clq_name_list exclude;   /* (--exclude) likewise; what matches both is left out */
    int32_t minimum_rank;    /* (--min-rank) of tensors to quantize; -1: 2, and 0 for a .npy (default -1) */
    const char *tensor_name; /* (--tensor) clq_file_calibrate: the name of the tensor of a .npy, NULL: "x" */
    /* Layout: which elements share a parameter */
    int32_t has_granularity;     /* 0: channel for tensors of rank 2 and more, else tensor; minmax, calibrate: tensor */
    clq_granularity granularity; /* (--granularity) groups along any axis: CLQ_PER_GROUP with `axis` */
    int32_t has_axis;            /* 0: the first, or that of the file of ranges; of groups the last */
    int32_t axis;                /* (--axis) negative: from the last, which is -1 */
    const clq_axis_pattern *axis_patterns; /* (--axis GLOB=N) of clq_file_quantize: the last match goes before axis */
    size_t axis_pattern_count;             /* of axis_patterns */
    uint64_t group_size;                   /* (--group-size; default 128) */
    uint64_t known_group_size; /* (--group-size) _dequantize, _compare: of groups whose size a file leaves open; 0: its
                                  config.json's */
    /* Scheme */
    clq_preset preset;    /* (--preset; default symmetric) */
    clq_dtype dtype;      /* (--dtype) of the codes, 0: the preset's; of clq_file_dequantize: of the reals, 0: f32 */
    clq_block_type block; /* (--dtype q8_0, q4_0) of CLQ_FORMAT_GGUF, in place of a dtype; none: q8_0 */
    int32_t has_rounding, has_zero_point_order, has_arithmetic; /* 0: the preset's */
    clq_rounding rounding;                                      /* (--rounding) */
    clq_zero_point_order zero_point_order;                      /* (--zero-point-order) */
    clq_arithmetic arithmetic;                                  /* (--arithmetic) */
    /* Parameters that are given. At most one of scale, range, ranges and a calibration other than minmax. */
    const double *scale;         /* (--scale) one, or as many as each tensor has parameters; NULL: none are given */
    uint64_t scale_count;        /* of `scale` */
    const char *scale_file;      /* (--scale) the same, from a .npy */
    const int32_t *zero_point;   /* (--zero-point) beside a scale */
    uint64_t zero_point_count;   /* of `zero_point` */
    const char *zero_point_file; /* (--zero-point) */
    int32_t has_range;           /* not 0: range_lo and range_hi are given */
    double range_lo, range_hi;   /* (--range) */
    const char *ranges_file; /* (--ranges) written by clq_file_calibrate: of the weights; with CLQ_ACTIVATIONS_STATIC
                                of what their modules are given, and the weights find their own */
    /* Data */
    clq_calibration calibration; /* (--calibrate; calibrate --method; default minmax) */
    int32_t ignore_nonfinite;    /* (--nonfinite ignore) 0: NaN or infinity is CLQ_NONFINITE */
    /* The run */
    uint64_t memory_bytes; /* (--memory) host memory for data, at least 1 MiB (default 256 MiB) */
    int32_t resume; /* (--resume) continue what an earlier run of the same request left; keep what this one leaves */
    /*
     * (--part) of clq_file_quantize: `part` of 1 to `parts` does its share of the work, each in a run of its own and in
     * any order, also at the same time on machines with a common file system; clq_file_join puts the output in its
     * place. Of the other functions parts that run at the same time, and tell each other what they find through
     * events->reduce, which they require: the first part has the report of all, and writes. Both 0: one run does it
     * all.
     */
    uint32_t part, parts;
    /*
     * (--no-shared) of an output in shards whose parts lie in several file systems: of `shares` equal shares of the
     * shards, by bytes and rounded to whole ones, those from number `first_share` (from 0), `own_shares` of them, are
     * written here, by the `parts`, and the others elsewhere. Index, config.json and what is copied are written by
     * clq_file_join in each file system. `shares` 0: all is written here.
     */
    uint32_t first_share, own_shares, shares;
    int32_t dry_run;     /* (--dry-run) find out and report everything, write nothing */
    int32_t allow_empty; /* (--allow-empty) no tensor to work on, or like a pattern: no CLQ_REFUSED, but a warning */
    /* (--strict) CLQ_REFUSED: _quantize: a tensor that cannot be, or that `include` names and is not; _dequantize: what
     * becomes infinite */
    int32_t strict;
    int32_t has_minimum_sqnr; /* not 0: minimum_sqnr_db is a gate */
    double minimum_sqnr_db;   /* (--fail-sqnr-below) a tensor below it is CLQ_REFUSED, and nothing is written */
    const char *config_file;  /* (--emit-config) receives a quantization_config for compressed-tensors; NULL: none */
    uint32_t details;         /* CLQ_FILE_PARAMETERS, _HISTOGRAMS, _WORST together (default 0) */
    clq_file_check check;     /* (--check) of all but clq_file_compare */
    uint64_t check_seed;      /* (--check-seed) of CLQ_CHECK_SAMPLE: which part; 0: another one in each run */
} clq_file_request;

/* Set `request` to the defaults given above. */
CLQ_API void clq_file_request_init(clq_file_request *request);

/* ------------------------------------------------------------------------------------------------
 * Events
 * --------------------------------------------------------------------------------------------- */

/* How far a call is. */
typedef struct clq_file_progress {
    const char *operation;          /* "quantize" */
    const char *tensor;             /* the one at work, or NULL */
    const char *after;              /* NULL while data is read; then what is left to do: "flushing to disk" */
    uint64_t done_bytes, all_bytes; /* of data; done_bytes only grows */
    uint64_t skipped_bytes;         /* of done_bytes, those that an earlier run had done */
} clq_file_progress;

/* What becomes of the numbers of several parts. */
typedef enum clq_reduction { CLQ_REDUCE_GREATEST = 1, CLQ_REDUCE_SUM = 2 } clq_reduction;

/* All may be NULL. They are called from threads of the call, one at a time but for is_cancelled. */
typedef struct clq_file_events {
    uint32_t struct_size; /* sizeof(clq_file_events) */
    void *cookie;         /* handed to each of them */
    /* Some of the data is done. */
    void (*progress)(void *cookie, const clq_file_progress *progress);
    clq_log_function message;          /* warnings; details of level CLQ_LOG_INFO */
    int (*is_cancelled)(void *cookie); /* asked between pieces: not 0 ends the call with CLQ_CANCELLED */
    /* Asked for a context, once, when a device is needed and the call was given none. It stays the caller's. */
    clq_status (*open_device)(void *cookie, clq_context **context, clq_error *error);
    /*
     * Where it is not NULL, asked in place of open_device, by calls that compute, for `*count` contexts of different
     * devices, at least one, which share the work: each does as much as it is fast, and the bytes are those of one. One
     * that fails is set aside with a warning, and its work done by the others. They and the array stay the caller's.
     */
    clq_status (*open_devices)(void *cookie, clq_context *const **contexts, size_t *count, clq_error *error);
    /*
     * Of a part whose other parts run at the same time: each of these numbers becomes the greatest that any part has
     * there, or the sum of all, modulo 2^64. All parts call it as often, in the same order and with the same counts; a
     * failure of one must end the others, which wait for it. NULL: a part of clq_file_quantize finds by itself what the
     * others would tell, and no other function has parts.
     */
    clq_status (*reduce)(void *cookie, clq_reduction how, uint64_t *numbers, size_t count, clq_error *error);
    /*
     * Likewise, of ranks: hand in a text, and receive those of all in the order of ranks, each with its NUL, one behind
     * the other, malloc'ed; *count is how many there are. Called by all of them as often. Of clq_file_quantize, which
     * compares what ranks read and are asked for before it begins, and with `shares` of clq_file_join, where each file
     * system's tells the others what its parts did. NULL: nothing is compared, and the report is of what is here.
     */
    clq_status (*exchange)(void *cookie, const char *text, char **all, size_t *count, clq_error *error);
} clq_file_events;

/* ------------------------------------------------------------------------------------------------
 * Reports
 * --------------------------------------------------------------------------------------------- */

/* How far y is from x; NaN where there is nothing to say: no elements, x all zero, not computed. */
typedef struct clq_errors {
    double maximum;         /* greatest |x - y| */
    uint64_t maximum_index; /* flat index of the first such element, UINT64_MAX when exact */
    double mean;            /* of |x - y| */
    double sqnr_db;         /* 10 * log10(sum x^2 / sum (x - y)^2); infinite when exact */
    double cosine;          /* of the angle between x and y */
    int32_t exact;          /* x = y everywhere */
} clq_errors;

/* What became of a tensor. */
typedef enum clq_file_outcome {
    CLQ_FILE_COPIED = 0,      /* byte for byte, for `reason` */
    CLQ_FILE_PROCESSED = 1,   /* quantized, dequantized, measured: what the call is for */
    CLQ_FILE_COMPARED = 2,    /* this and the following, of clq_file_compare: as real numbers: `errors` */
    CLQ_FILE_SAME_BYTES = 3,  /* of another type */
    CLQ_FILE_OTHER_BYTES = 4, /* of a type that is no number here */
    CLQ_FILE_OTHER_SHAPE = 5, /* so that elements have no partners */
    CLQ_FILE_OTHER_TYPE = 6,  /* that cannot be compared: integers and reals, say */
    CLQ_FILE_MISSING = 7,     /* only in the reference */
    CLQ_FILE_EXTRA = 8        /* only in the input */
} clq_file_outcome;

/* A tensor as a file has it. */
typedef struct clq_file_tensor_side {
    char dtype[16];        /* "F32", as the file says; "s8": quantized */
    uint32_t rank;         /* 0: one element */
    const uint64_t *shape; /* `rank` of them: files may have more than CLQ_MAX_RANK */
    uint64_t bytes;        /* of its data */
} clq_file_tensor_side;

/* What was found of one tensor. A field that a function does not fill is 0 or NULL. */
typedef struct clq_file_tensor {
    const char *name;              /* as the file has it */
    clq_file_outcome outcome;      /* which of the fields below say something */
    const char *reason;            /* why it is copied; NULL: none to tell */
    int32_t falls_short;           /* copied, though it is of floating point and selected, or `strict` asks for it */
    clq_file_tensor_side source;   /* in the input; clq_file_compare: in the reference */
    clq_file_tensor_side target;   /* in the output; clq_file_compare: in the input */
    clq_quantization q;            /* layout and, where there are codes, scheme */
    uint64_t elements, parameters; /* how many there are, by `q` */
    clq_nonfinite nonfinite; /* of the input; clq_file_dequantize: elements that became infinite in the type written */
    /* Bounds over all parameters, and with CLQ_FILE_PARAMETERS (of clq_file_calibrate always) each: */
    /* Of the finite elements; infinity, -infinity where there are none, or an earlier run looked at them. */
    float range_low, range_high;
    float scale_low, scale_high;             /* where there are codes */
    int32_t zero_point_low, zero_point_high; /* likewise */
    const float *range;                      /* lo and hi of each parameter in turn, in the same form */
    const float *scale;                      /* of each parameter */
    const int32_t *zero_point;               /* of each parameter */
    /* clq_file_quantize, _compare */
    int32_t measured;   /* `errors` and `clipped` are filled in */
    clq_errors errors;  /* of what is restored from the codes; clq_file_compare: of the input */
    uint64_t clipped;   /* elements beyond what the codes can express by more than half a step */
    uint64_t differing; /* clq_file_compare: elements not finite on one side alone, or in another way */
    char variant[48];   /* the kernel, as clq_plan_operation names it */
    /* clq_file_calibrate */
    uint64_t batches;               /* that had the tensor */
    const float *found_range;       /* of each parameter: as found, before `range` was cut from it */
    const clq_threshold *threshold; /* where magnitudes were cut; NULL for a scheme that is not symmetric */
    const uint64_t *kept;           /* elements in the bins that were kept */
    const uint64_t *histogram;      /* clq_histogram_bins of each, with CLQ_FILE_HISTOGRAMS */
    /* With CLQ_FILE_WORST, of the tensors with the least expected_sqnr_db: */
    const uint64_t *worst_histogram; /* clq_histogram_bins of one parameter; NULL: the tensor is none of them */
    uint64_t worst_parameter;        /* the one of least SQNR */
    double expected_sqnr_db;         /* of it, by its histogram and the codes of `range`; infinite where exact */
} clq_file_tensor;

/* What one of several devices did. */
typedef struct clq_file_device {
    char name[128];       /* as clq_device_info has it */
    uint64_t bytes;       /* of the input that it worked on, or copied */
    double seconds;       /* for which it was at work */
    double share;         /* of the time that the data took, 0 to 1 */
    int32_t is_set_aside; /* it failed */
} clq_file_device;

/* What a call found and did. Its memory is the report's own. */
typedef struct clq_file_report {
    const clq_file_tensor *tensors; /* in the order of the file (of clq_file_compare: of the reference, then extras) */
    size_t tensor_count;            /* of tensors */
    size_t processed_count;         /* of those the processed and the compared ones */
    uint64_t bytes_in, bytes_out;   /* of all files */
    const uint64_t *input_bytes;    /* clq_file_calibrate: of each of the request's inputs */
    double seconds;                 /* of the call */
    char device[160];               /* empty: none was needed; of several all names, as far as they fit */
    const clq_file_device *devices; /* of several devices each, in the order in which they were given; else NULL */
    size_t device_count;            /* of devices */
    int32_t is_part_done;           /* the request's part is finished: what is left is clq_file_join, or the first's */
    int32_t is_written;             /* the output stands under its name, even if the call failed later */
    int32_t is_resumable;           /* a run with `resume` continues from what this one left */
    clq_file_check check;           /* what was done, once there was a device; never CLQ_CHECK_BY_DEVICE then */
    uint64_t check_seed;            /* of CLQ_CHECK_SAMPLE: gives the same sample again */
    uint64_t checked_elements;      /* of the sample, or all: the same whatever the memory */
    uint64_t copied_files, copied_file_bytes; /* beside the weights, of an output that is a folder: byte for byte */
    uint64_t checked_pieces; /* whose ranges or histograms were computed again as a whole; depends on the memory */
} clq_file_report;

/* With all that it points at. */
CLQ_API void clq_file_report_destroy(clq_file_report **report);

/* By SQNR: negative when `a` is worse than `b`. Exact is best, and what has no ratio at all worst. */
CLQ_API int clq_errors_compare(const clq_errors *a, const clq_errors *b);

/* ------------------------------------------------------------------------------------------------
 * What is done. `context` may be NULL where events->open_device makes one. *report is made in case of failure too, with
 * what was found until then (NULL when there is no memory for it); the caller destroys it. `report` may be NULL.
 *
 * CLQ_INVALID_ARGUMENT for a request that contradicts itself or the input; CLQ_IO_ERROR, CLQ_BAD_FILE for files;
 * CLQ_NONFINITE, CLQ_REFUSED, CLQ_CANCELLED as said above; and what operations return.
 * --------------------------------------------------------------------------------------------- */

/*
 * Quantize the tensors that the request selects, and copy the others, into a safetensors file or, where the name of the
 * output ends in .safetensors.index.json, shards like those of the input; where it ends in .gguf, blocks into a file
 * with the keys of the input, a .gguf too. Where the input is a folder that holds a model and the name of the output is
 * not that of a file, the output is a folder: the weights, a config.json that tells how they are quantized, and all
 * else as it is (docs/files.md). Reads all fields but reference, inputs, tensors and tensor_name. With `resume`, a run
 * that failed or was killed is continued by another of the same request.
 */
CLQ_API clq_status clq_file_quantize(clq_context *context, const clq_file_request *request,
                                     const clq_file_events *events, clq_file_report **report, clq_error *error);

/*
 * Put the output of clq_file_quantize in parts in its place, once all of them are done: refused while one is missing,
 * unfinished or at work, or when they differ in request, input or version (CLQ_INVALID_ARGUMENT); CLQ_BAD_FILE where a
 * part's bytes are not those it wrote. All bytes are read back for that, unless `check` is CLQ_CHECK_NONE. Reads
 * `output`, `check`, and `replace`, which adds to that of the parts; everything else is the parts' own, whose input
 * must still be there. Needs no device.
 */
CLQ_API clq_status clq_file_join(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                                 clq_file_report **report, clq_error *error);

/*
 * The way back: the tensors that were quantized, of any format that clq_file_quantize writes, as reals of
 * request->dtype, and the others as they are; request->tensors alone, where it names any.
 */
CLQ_API clq_status clq_file_dequantize(clq_context *context, const clq_file_request *request,
                                       const clq_file_events *events, clq_file_report **report, clq_error *error);

/* The range of each parameter of the request's tensors, and their elements that are not finite. Writes nothing. */
CLQ_API clq_status clq_file_minmax(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                                   clq_file_report **report, clq_error *error);

/* How far request->input, quantized or not, is from request->reference, tensor by tensor. Writes nothing. */
CLQ_API clq_status clq_file_compare(clq_context *context, const clq_file_request *request,
                                    const clq_file_events *events, clq_file_report **report, clq_error *error);

/*
 * Ranges of activations over the batches of request->inputs, by request->calibration, into a file of ranges, which
 * clq_file_quantize reads as `ranges_file`; docs/calibration.md has the whole way.
 */
CLQ_API clq_status clq_file_calibrate(clq_context *context, const clq_file_request *request,
                                      const clq_file_events *events, clq_file_report **report, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif
