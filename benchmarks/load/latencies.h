/* Histograms of latencies. */
#ifndef BENCH_LATENCIES_H
#define BENCH_LATENCIES_H

#include <stdint.h>

/* Buckets grow with the value, 64 to each power of two: no error above 1.6 %, and no
 * memory that grows with the number of messages. */
#define SUB_BITS 6
#define SUB (1 << SUB_BITS)
#define BUCKETS ((64 - SUB_BITS + 1) * SUB)

struct latencies {
    uint64_t histogram[BUCKETS];
    uint64_t recorded;
    uint64_t worst;
};

/* Those of replies, or of what else a mode measures. */
extern struct latencies latencies;

/* Those of the replies to the neighbour of a storm. */
extern struct latencies neighbour_latencies;

void record_latency(struct latencies *l, uint64_t nanoseconds);

/* The latency in nanoseconds below which this share of them is (0 to 1). */
double latency_percentile(const struct latencies *l, double share);

#endif
