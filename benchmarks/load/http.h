/* HTTP: the requests that open a connection, and long-polling. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>

#include "connection.h"

/* Ask for a session (polling and 0.9). */
void greet(struct connection *c);

/* The next request of a polling client: a POST of what is pending, else a poll. */
void ask(struct connection *c);

/* Take the body of an answer from the input. False while it is incomplete. */
bool read_answer(struct connection *c, struct text *body);

/* Ask for a WebSocket. */
void request_upgrade(struct connection *c);

/* Take the answer to that from the input. False while it is incomplete. */
bool read_upgrade(struct connection *c);

#endif
