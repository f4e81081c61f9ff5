/* Messages on their way out, by WebSocket or long-polling. */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#include <stddef.h>

#include "connection.h"

/* Queue a text message. */
void write_message(struct connection *c, const char *data, size_t length);

/* Send what is queued, as much as the kernel takes; a polling client asks next. */
void flush(struct connection *c);

#endif
