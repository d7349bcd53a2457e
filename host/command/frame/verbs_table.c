/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs, and what else help and the manual page tell of: exit codes, environment, examples, files. As data; nothing
 * else in the command repeats them. */
#include "command/frame/options.h"

const cli_verb_info cli_verb_table[CLI_VERB_COUNT] = {
    [CLI_VERB_DEVICES] =
        {
            .name = "devices",
            .arguments = "",
            .run = cli_devices,
            .summary = "list OpenCL devices and what would run on each",
            .description =
                "Lists every platform and device with the kernel variant of each operation and why it was "
                "chosen (gemm: for 1024 x 1024 x 1024, s8 times packed s8 to s8), what a device lacks, and which "
                "device 'auto' and --device take. Native and the reference are always there. Drivers that end or hold "
                "up a process "
                "that loads them are left out by every verb and listed here, with those that show no device.",
        },
    [CLI_VERB_INFO] =
        {
            .name = "info",
            .arguments = "FILE...",
            .minimum = 1,
            .maximum = SIZE_MAX,
            .run = cli_info,
            .summary = "list the tensors of model files",
            .description =
                "Lists name, type, shape and bytes of every tensor of a file, or of the model in a folder; "
                "for quantized tensors also how scales "
                "and zero points are laid out, and the scales of their module's inputs where the file has them. "
                "Quantized files made by other tools are understood when a "
                "tensor T of an 8-bit type stands beside T_scale and, where needed, T_zero_point.",
        },
    [CLI_VERB_MINMAX] =
        {
            .name = "minmax",
            .arguments = "FILE",
            .minimum = 1,
            .maximum = 1,
            .run = cli_minmax,
            .summary = "minimum and maximum of each tensor, channel or group",
            .description = "Prints the least and the greatest finite element of every tensor of floating point type, "
                           "and how many elements are NaN or infinite. With --granularity channel or group, --verbose "
                           "and --json list each range.",
        },
    [CLI_VERB_QUANTIZE] =
        {
            .name = "quantize",
            .arguments = "IN -o OUT",
            .minimum = 1,
            .maximum = 1,
            .run = cli_quantize,
            .summary = "quantize a model file or an array",
            .description =
                "Quantizes the floating point tensors of IN and copies all else byte for byte. For each "
                "quantized tensor T, OUT holds T, T_scale and, where it is not 0, T_zero_point; a .gguf made "
                "of a .gguf holds blocks of Q8_0 or Q4_0. The same input and options give the same bytes on "
                "every device. IN may be a folder, as downloaded: OUT is one too then, with the other files "
                "of IN and with a quantization_config in its config.json, so that engines load it.",
        },
    [CLI_VERB_JOIN] =
        {
            .name = "join",
            .arguments = "OUT",
            .minimum = 1,
            .maximum = 1,
            .run = cli_join,
            .summary = "put an output in place that was quantized in parts",
            .description =
                "Puts OUT in its place when 'quantize IN -o OUT --part I/N' is done with all parts from 1/N to N/N. "
                "Refuses while one is missing, unfinished or at work, and when they are not of the same input, options "
                "and version; all bytes are read back and compared with the hashes that the parts noted (--check none "
                "trusts "
                "them). IN must still "
                "be there.",
        },
    [CLI_VERB_DEQUANTIZE] =
        {
            .name = "dequantize",
            .arguments = "IN -o OUT",
            .minimum = 1,
            .maximum = 1,
            .run = cli_dequantize,
            .summary = "turn quantized tensors back into floating point",
            .description = "Writes every quantized tensor of IN as floating point and copies all else. OUT is a "
                           "safetensors file, a .npy file for one tensor, or a .gguf file where IN is one; a folder "
                           "where IN is one.",
        },
    [CLI_VERB_COMPARE] =
        {
            .name = "compare",
            .arguments = "REFERENCE TEST",
            .minimum = 2,
            .maximum = 2,
            .run = cli_compare,
            .summary = "error of one model file against another",
            .description = "Prints for each tensor the largest absolute error and where it is, the mean absolute "
                           "error, the signal to quantization noise ratio and the cosine similarity. TEST may be "
                           "quantized. Both may be folders.",
        },
    [CLI_VERB_CALIBRATE] =
        {
            .name = "calibrate",
            .arguments = "IN... -o RANGES.json",
            .minimum = 1,
            .maximum = SIZE_MAX,
            .run = cli_calibrate,
            .summary = "find ranges over many batches of activations",
            .description =
                "Reads dumps of activations, the same tensor names in every file, and writes a range for each tensor "
                "or channel, for 'quantize --ranges'. A tensor of the same name in several files is several batches; "
                "their shapes may differ, but not in the number of channels. The memory does not grow with the number "
                "of files. All methods but minmax, moving-average and mean read the data twice.",
        },
    [CLI_VERB_GEMM] =
        {
            .name = "gemm",
            .arguments = "A.npy B.npy -o C.npy",
            .minimum = 2,
            .maximum = 2,
            .run = cli_gemm,
            .summary = "multiply int8 matrices",
            .description =
                "C = output(bias + (A - Za)(B - Zb)), the sums in 32 bits, where they wrap. A is [M, K] and B "
                "[K, N], of int8 or uint8 each. Both may have the same batch dimensions before these, or one "
                "of them may, and the other serves every batch; C has them too. All three are held in "
                "memory as a whole. The bytes are the same on every device.",
        },
    [CLI_VERB_MULTIPLIER] =
        {
            .name = "multiplier",
            .arguments = "F",
            .minimum = 1,
            .maximum = 1,
            .run = cli_multiplier,
            .summary = "find a fixed-point form of a real factor",
            .description = "Approximates F by F0 / 2^n for n from 0 to --max-shift, prints the error "
                           "|F*Q - ((F0*Q) >> n)| on the sample accumulators Q, and marks the best row. Also prints "
                           "the 31-bit multiplier and shift. Without --sample, Q runs over 1, 3, 5 and 7 times "
                           "2^k with both signs, up to 20 bits.",
        },
    [CLI_VERB_VERIFY] =
        {
            .name = "verify",
            .arguments = "",
            .run = cli_verify,
            .operations = "clquant verify --only 'NAME/*'",
            .summary = "compare a device with the reference, bit for bit",
            .description =
                "Runs every operation, type, granularity and kernel variant of the device, and probes of the "
                "arithmetic and memory that kernels rely on, and compares all of it with the reference. "
                "--device all goes through all OpenCL devices; --device native judges this processor's own loops by "
                "the "
                "same cases. Prints a line for each operation and, for what differs, the "
                "first element with what it is made of. A kernel that fails is a verdict, and the rest goes on. "
                "Exit code 0: all equal; 5: something differs; 4: the device failed; 1: nothing was found, but time "
                "was "
                "up before all was tried; 6: nothing was verified, as all cases were skipped. Ctrl-C ends it with what "
                "was found so far.",
        },
    [CLI_VERB_BENCH] =
        {
            .name = "bench",
            .arguments = "[OP...]",
            .maximum = SIZE_MAX,
            .run = cli_bench,
            .operations = "clquant bench NAME",
            .name_of = cli_bench_name,
            .name_kind = "operation",
            .summary = "measure the operations beside what the machine could do",
            .description =
                "Measures minmax, quantize, dequantize, fake-quantize, dynamic-quantize, histogram, batch (many small "
                "tensors at once), gemm and gemm-batch (the products of many experts at once), or those that are "
                "named, on data that is on the device already. Each row "
                "shows median and best time, GB/s or GOPS, and the fraction of what C on all processors reaches for "
                "the same problem, and of a copy, in the same rounds. Results are compared with the reference "
                "before anything is timed; one that differs is exit code 5. Without OP, gemm and gemm-batch have a few "
                "shapes only. "
                "'launch', which is measured by its name alone, is what it costs the host to enqueue small operations: "
                "by a call, recorded, and as OpenCL alone takes the same kernels.",
        },
    [CLI_VERB_TUNE] =
        {
            .name = "tune",
            .arguments = "",
            .run = cli_tune,
            .operations = "clquant tune --operation NAME",
            .summary = "find the fastest way to run each operation on this device",
            .description =
                "Tries the values of whatever decides how kernels are chosen, built and launched: widths of vectors, "
                "sizes of strips, tiles and work-groups, thresholds. A candidate whose bytes differ from the "
                "reference is rejected; one is taken where it wins by more than the noise, three times over, and "
                "slows nothing down. The best are kept beside the compiled kernels, for this device, driver and "
                "version, and used from then on; 'devices' says 'tuned' where they are. A search begins from what is "
                "kept already, which goes only for what wins against it. Nothing is kept of a search that is "
                "interrupted.",
        },
    [CLI_VERB_SAMPLE] =
        {
            .name = "sample",
            .arguments = "MODEL -o FILE",
            .minimum = 1,
            .maximum = 1,
            .run = cli_sample,
            .name_of = cli_sample_name,
            .name_kind = "model",
            .summary = "write a model file to try things on",
            .description = "Writes a safetensors file with the layer names and shapes of MODEL (mobilenet-v2, "
                           "resnet-50 or transformer-block) and plausible random weights. The same seed gives the "
                           "same bytes on every machine.",
        },
};

const cli_exit_text cli_exit_table[] = {
    {"0", "success"},
    {"1", "failure at run time: input or output, memory, a forced kernel that cannot run"},
    {"2", "usage: the command line asks for something impossible"},
    {"3", "an input file breaks its format"},
    {"4", "no such device, or the device failed"},
    {"5", "results differ from the reference"},
    {"6", "there was nothing to do, or a quality gate was not met: --fail-sqnr-below, --strict"},
    {"7", "the data holds NaN or infinity"},
    {"130, 143", "interrupted by SIGINT, SIGTERM (129: by SIGHUP)"},
    {NULL, NULL},
};

const cli_exit_text cli_environment_table[] = {
    {"CLQUANT_DEVICE", "the device when --device is not given"},
    {"CLQUANT_CACHE_DIR", "folder of compiled kernels, instead of clquant in XDG_CACHE_HOME or ~/.cache; when set and "
                          "empty nothing is kept"},
    {"CLQUANT_DRIVER_SECONDS", "how long loading the OpenCL drivers may take before one is left out (20); 0 loads them "
                               "without trying it first in a process of its own"},
    {"CLQUANT_COMPILE_SECONDS", "how long --device auto waits in all for a device's compiler before this processor "
                                "computes in its place (20), as it does where the device is far slower; 0: as long as "
                                "it takes, as for a device that is named"},
    {"CLQUANT_EMULATE", "1: kernels written for an instruction of some devices are built with its emulation, so that "
                        "one that is forced by --variant runs on any device; to bring a device up"},
    {"COLUMNS", "how wide tables are (otherwise as the terminal is; in a file or a pipe nothing is cut)"},
    {"NO_COLOR", "when set and not empty, progress is drawn without colour"},
    {NULL, NULL},
};

const cli_exit_text cli_example_table[] = {
    {"clquant quantize TinyLlama -o TinyLlama-W8A8",
     "a folder as downloaded to one that vLLM, SGLang and transformers load: weights in s8, a scale for each row"},
    {"clquant quantize TinyLlama -o TinyLlama-W4 --format pack-quantized --dtype s4 --granularity group",
     "the same in 4 bits, a scale for each 128 elements, activations in float"},
    {"clquant quantize model-f16.gguf -o model-q8_0.gguf", "blocks of Q8_0, with the bytes of llama.cpp's reference"},
    {"clquant compare TinyLlama TinyLlama-W8A8 --fail-sqnr-below 35",
     "the error of each tensor, the worst first; exit code 6 when one has less than 35 dB"},
    {"clquant calibrate act/*.safetensors -o ranges.json --method percentile:99.99",
     "ranges over batches of activations, for 'quantize --activations static --ranges ranges.json'"},
    {"clquant gemm a.npy b.npy -o c.npy --check", "a product of int8 matrices, and the reference beside it"},
    {"clquant verify --device 0:0 --report report.html --reproduce faults",
     "a device against the reference, with a program for each fault that shows it"},
    {"clquant devices --json", "what there is, for a script"},
    {NULL, NULL},
};

const cli_exit_text cli_place_table[] = {
    {"$XDG_CACHE_HOME/clquant, ~/.cache/clquant",
     "compiled kernels, what was found when they were compared with the reference, and tuned values; may be removed at "
     "any time. CLQUANT_CACHE_DIR names another folder"},
    {".NAME.partial, .OUT.journal",
     "beside an output: an unfinished run, which 'quantize --resume' continues and --force throws away"},
    {".NAME.tmp-XXXXXX", "beside an output: being written; what a killed run left is removed by the next one"},
    {"/etc/OpenCL/vendors/*.icd", "the OpenCL drivers, as the loader finds them; OCL_ICD_VENDORS names another place"},
    {NULL, NULL},
};
