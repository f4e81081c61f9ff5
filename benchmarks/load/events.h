/* The events that are sent, and the replies that must come for them. */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* Make the payload that all events share. Call it once, before the others. */
void make_filler(void);

/* Bytes that an event has at most. */
size_t largest_event(void);

/* Write the packet of a connection's event; the result is its end. */
char *put_event(char *at, int connection, uint64_t sequence);

/* Whether `t`, a packet without its type, is what this connection must receive next. */
bool is_due_reply(struct text t, int connection, uint64_t sequence);

/* Read the event `t` of mode recovery: which one it is, and its position. False when it
 * is another one, or wrong. */
bool read_number(struct text t, uint64_t *sequence, struct text *position);

#endif
