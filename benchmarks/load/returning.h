/* Clients that lose their connection, and come back at the other server. */
#ifndef BENCH_RETURNING_H
#define BENCH_RETURNING_H

#include <stdint.h>

#include "connection.h"

struct returns {
    uint64_t sent;     /* events */
    uint64_t received; /* by all clients */
    int lost;
    int recovered;
    int caught_up;     /* of the recovered ones, those that have what they missed */
    int as_new;
    uint64_t missing;  /* events that those have not received */
    uint64_t wrong;    /* others that are missing, doubled or out of order */
    uint64_t last_back;      /* when the last one was in the namespace again */
    uint64_t last_caught_up; /* when the last one had all that it missed */
};

extern struct returns returns;

/* The connection has ended. */
void lose(struct connection *c);

/* Write what a client says of itself when it connects; the result is its end. */
char *put_auth(char *at, const struct connection *c);

/* The client is in the namespace; `packet` says whether it was recovered. */
void on_back(struct connection *c, struct text packet);

/* An event: the next one that is due to the client. */
void on_number(struct connection *c, struct text packet, struct text rest);

#endif
