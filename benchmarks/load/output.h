/* Messages on their way out, by WebSocket or long-polling. */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#include <stddef.h>

#include "connection.h"

/* Queue a text message. */
void write_message(struct connection *c, const char *data, size_t length);

/* Send as much of the queue as the kernel accepts; polling clients begin a request. */
void flush(struct connection *c);

#endif
