/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner measured, for people and for programs. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 40 };

/* "2 compute units", "1 compute unit" */
static void print_fact(const bench_fact *fact)
{
    printf(", %" PRIu64 " ", fact->value);
    for (const char *name = fact->name; *name != '\0'; name++) {
        if (fact->value != 1 || name[0] != 's' || name[1] != '\0') {
            putchar(*name == '_' ? ' ' : *name);
        }
    }
}

void bench_report_begin(bench_report *report, const char *device, const bench_fact *facts, size_t count, int rounds)
{
    report->printed = 0;
    printf(report->json ? "{\"device\":\"%s\"" : "device: %s", device);
    for (size_t i = 0; i < count; i++) {
        if (report->json) {
            printf(",\"%s\":%" PRIu64, facts[i].name, facts[i].value);
        } else {
            print_fact(&facts[i]);
        }
    }
    if (report->json) {
        printf(",\"rounds\":%d,\"rows\":[", rounds);
        return;
    }
    printf(", median of %d rounds\n", rounds);
    printf("%-26s %-*s %7s %s %5s %s %8s %6s", "problem", report->who_width, "who", "median", report->time_unit, "best",
           report->time_unit, report->unit, "ratio");
    if (report->peers) {
        printf(" %6s %-16s %6s", "peer", "", "target");
    }
    printf("\n");
}

static void print_json(const bench_report *report, const bench_row *rows, size_t count, const bench_row *row)
{
    const bench_row *peer;
    printf("%s\n{\"problem\":\"%s\",\"who\":\"%s\",\"roof\":%s,", report->printed == 0 ? "" : ",", row->problem,
           row->who, row->role == BENCH_ROOF ? "true" : "false");
    if (row->outcome != BENCH_OK) {
        printf("\"outcome\":\"%s\",\"median_seconds\":null}",
               row->outcome == BENCH_UNSUPPORTED ? "unsupported" : "failed");
        return;
    }
    printf("\"median_seconds\":%.9g,\"best_seconds\":%.9g,\"%s\":%.6g,\"ratio\":%.4g", row->median_seconds,
           row->best_seconds, report->unit_key, bench_rate(row), bench_fraction(rows, count, row));
    peer = bench_peer(rows, count, row);
    if (report->peers && peer != NULL && row->work > 0.0) {
        const double ratio = bench_rate(row) / bench_rate(peer);
        printf(",\"peer\":\"%s\",\"peer_ratio\":%.4g", peer->who, ratio);
        if (row->target > 0.0) {
            printf(",\"target\":%.4g,\"met\":%s", row->target, ratio >= row->target ? "true" : "false");
        }
    }
    printf("}");
}

/* "  1.06 oneDNN gemm        1.00 met" */
static void print_peer(const bench_row *rows, size_t count, const bench_row *row)
{
    const bench_row *peer = bench_peer(rows, count, row);
    double ratio;
    if (peer == NULL || row->work <= 0.0) {
        return;
    }
    ratio = bench_rate(row) / bench_rate(peer);
    if (row->target > 0.0) {
        printf(" %6.2f %-16s %6.2f %s", ratio, peer->who, row->target, ratio >= row->target ? "met" : "missed");
    } else {
        printf(" %6.2f %s", ratio, peer->who);
    }
}

static void print_line(const bench_report *report, const bench_row *rows, size_t count, const bench_row *row)
{
    char rate[TEXT] = "-";
    char ratio[TEXT] = "     -"; /* no roof to compare with */
    printf("%-26s %-*s", row->problem, report->who_width, row->who);
    if (row->outcome != BENCH_OK) {
        printf("%11s %8s %8s %6s\n", row->outcome == BENCH_UNSUPPORTED ? "unsupported" : "failed", "-", "-", "-");
        return;
    }
    if (row->work > 0.0) {
        snprintf(rate, sizeof rate, "%.2f", bench_rate(row));
    }
    if (bench_fraction(rows, count, row) > 0.0) {
        snprintf(ratio, sizeof ratio, "%6.2f", bench_fraction(rows, count, row));
    }
    printf(" %10.3f %8.3f %8s %s%s", report->times_per_second * row->median_seconds,
           report->times_per_second * row->best_seconds, rate, ratio, row->role == BENCH_ROOF ? " *" : "");
    if (report->peers && row->role == BENCH_PLAIN) {
        print_peer(rows, count, row);
    }
    printf("\n");
}

void bench_report_rows(bench_report *report, const bench_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (report->json) {
            print_json(report, rows, count, &rows[i]);
        } else {
            print_line(report, rows, count, &rows[i]);
        }
        report->printed++;
    }
    fflush(stdout); /* the next rows may take minutes */
}

void bench_report_end(const bench_report *report)
{
    printf(report->json ? "]}\n" : "ratio: throughput over that of the row marked *\n");
    if (report->peers && !report->json) {
        printf("peer: throughput over that of the fastest peer of the same problem, which is named\n");
    }
}
