/* A client's session: what each packet of the server leads to. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"

struct sessions {
    bool storming;         /* a connection that is ready is closed and opened again */
    uint64_t engine_pings; /* answered */
    uint64_t other_events; /* events that came with the acks of mode ack */
};

extern struct sessions sessions;

/* The TCP connection is open. */
void on_connected(struct connection *c);

/* Handle all that is complete; it arrived at the time `when`. */
void on_input(struct connection *c, uint64_t when);

#endif
