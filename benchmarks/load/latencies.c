#include "latencies.h"

/* Buckets grow with the value, 64 to each power of two: no error above 1.6 %, and no
 * memory that grows with the number of messages. */
#define SUB_BITS 6
#define SUB (1 << SUB_BITS)
#define BUCKETS ((64 - SUB_BITS + 1) * SUB)

static uint64_t histogram[BUCKETS];
static uint64_t recorded;
static uint64_t worst;

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

void record_latency(uint64_t nanoseconds)
{
    histogram[bucket_of(nanoseconds)]++;
    recorded++;
    if (nanoseconds > worst)
        worst = nanoseconds;
}

double latency_percentile(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)recorded);
    uint64_t seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram[bucket];
        if (seen > wanted && value_of(bucket) < (double)worst)
            return value_of(bucket);
    }
    return (double)worst;
}

double worst_latency(void)
{
    return (double)worst;
}
