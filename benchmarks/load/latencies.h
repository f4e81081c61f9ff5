/* A histogram of the latencies of replies. */
#ifndef BENCH_LATENCIES_H
#define BENCH_LATENCIES_H

#include <stdint.h>

void record_latency(uint64_t nanoseconds);

/* The latency in nanoseconds below which this share of the replies is (0 to 1). */
double latency_percentile(double share);

double worst_latency(void);

#endif
