#include "latencies.h"

struct latencies latencies;
struct latencies neighbour_latencies;

static int bucket_of(uint64_t value)
{
    if (value < SUB)
        return (int)value;
    int exponent = 63 - __builtin_clzll(value);
    int sub = (int)(value >> (exponent - SUB_BITS)) & (SUB - 1);
    return (exponent - SUB_BITS + 1) * SUB + sub;
}

static double value_of(int bucket)
{
    if (bucket < SUB)
        return bucket;
    int shift = bucket / SUB - 1;
    return ((double)(SUB + bucket % SUB) + 0.5) * (double)(1ull << shift);
}

void record_latency(struct latencies *l, uint64_t nanoseconds)
{
    l->histogram[bucket_of(nanoseconds)]++;
    l->recorded++;
    if (nanoseconds > l->worst)
        l->worst = nanoseconds;
}

double latency_percentile(const struct latencies *l, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)l->recorded);
    uint64_t seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += l->histogram[bucket];
        if (seen > wanted && value_of(bucket) < (double)l->worst)
            return value_of(bucket);
    }
    return (double)l->worst;
}
