/* WebSocket frames of a client (RFC 6455, section 5). */
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "connection.h"

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* The payload of a close frame: status 1000, "normal closure" (section 7.4.1). */
#define NORMAL_CLOSURE "\x03\xe8"

/* Append a masked frame to the output. */
void write_frame(struct connection *c, int opcode, const char *data, size_t length);

/* Take one frame from the input, and answer it if it is a ping. False while it has not
 * arrived whole. `*message` is the text message that it ends, or has a NULL start; it is
 * valid until the next call. Ends the program when the server closes or is wrong. */
bool read_frame(struct connection *c, struct text *message);

#endif
