/* A client's session: what each packet of the server leads to. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"

struct sessions {
    bool storming;         /* who is ready closes and begins anew */
    uint64_t engine_pings; /* answered */
    uint64_t other_events; /* seen beside the acknowledgements of mode ack */
};

extern struct sessions sessions;

/* The TCP connection is open. */
void on_connected(struct connection *c);

/* Handle all that has come whole; it came at the time `when`. */
void on_input(struct connection *c, uint64_t when);

#endif
