/* Events and replies under way: each reply makes room for the next event. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"

struct traffic {
    bool sending;         /* each reply is followed by an event */
    bool measuring;       /* latencies are recorded */
    uint64_t outstanding; /* replies due */
};

extern struct traffic traffic;

/* Call it once, before the others. */
void prepare_traffic(void);

/* Let each sender send as many events as may be unanswered. */
void start_sending(void);

/* A reply has come; `rest` is the packet without its type. */
void on_reply(struct connection *c, struct text packet, struct text rest, uint64_t when);

#endif
