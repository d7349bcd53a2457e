/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of calibration as text. */
#include <stdio.h>
#include <string.h>

#include <clquant/files.h>

#include "core/error.h"
#include "core/float_mode.h"
#include "format/human.h"
#include "format/numbers.h"

/* PyTorch's MovingAverageMinMaxObserver. */
static const float DEFAULT_AVERAGING = 0.01f;

static const char *const NAMES[] = {
    [CLQ_CALIBRATE_MINMAX] = "minmax",         [CLQ_CALIBRATE_AVERAGE] = "moving-average",
    [CLQ_CALIBRATE_PERCENTILE] = "percentile", [CLQ_CALIBRATE_MSE] = "mse",
    [CLQ_CALIBRATE_ENTROPY] = "entropy",       [CLQ_CALIBRATE_MEAN] = "mean",
};

/* What follows the colon; NULL: there is none. */
static int take_number(const char *text, clq_calibration *calibration)
{
    double number = 0.0;
    if (calibration->kind == CLQ_CALIBRATE_AVERAGE && text == NULL) {
        calibration->averaging = DEFAULT_AVERAGING;
        return 1;
    }
    if (calibration->kind == CLQ_CALIBRATE_AVERAGE && clq_parse_double(text, &number)) {
        calibration->averaging = (float)number;
        return calibration->averaging > 0.0f && calibration->averaging <= 1.0f;
    }
    if (calibration->kind == CLQ_CALIBRATE_PERCENTILE && text != NULL && clq_parse_double(text, &number)) {
        calibration->percent = number;
        return number > 0.0 && number <= 100.0;
    }
    return calibration->kind != CLQ_CALIBRATE_AVERAGE && calibration->kind != CLQ_CALIBRATE_PERCENTILE && text == NULL;
}

clq_status clq_calibration_from_text(const char *text, clq_calibration *calibration, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    const size_t length = strcspn(text, ":");
    memset(calibration, 0, sizeof *calibration);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        calibration->kind = (clq_calibration_kind)i;
        if (strlen(NAMES[i]) == length && memcmp(NAMES[i], text, length) == 0 &&
            take_number(text[length] == ':' ? text + length + 1 : NULL, calibration)) {
            return CLQ_OK;
        }
    }
    return clq_fail(
        error, CLQ_INVALID_ARGUMENT,
        "'%s' is no way to calibrate: required is minmax, moving-average, moving-average:CONSTANT (above 0, "
        "to 1), mean, percentile:P (above 0, to 100), mse or entropy",
        text);
}

void clq_calibration_text(const clq_calibration *calibration, char *text, size_t capacity)
{
    CLQ_OWN_FLOAT_MODE;
    char number[40];
    if (calibration->kind == CLQ_CALIBRATE_PERCENTILE) {
        clq_format_double(number, sizeof number, calibration->percent, 0);
        snprintf(text, capacity, "%s:%s", NAMES[calibration->kind], number);
    } else if (calibration->kind == CLQ_CALIBRATE_AVERAGE) {
        clq_format_double(number, sizeof number, (double)calibration->averaging, 1);
        snprintf(text, capacity, "%s:%s", NAMES[calibration->kind], number);
    } else {
        snprintf(text, capacity, "%s", NAMES[calibration->kind]);
    }
}
