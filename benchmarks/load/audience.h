/* Senders and receivers. A connection is identified by its number. */
#ifndef BENCH_AUDIENCE_H
#define BENCH_AUDIENCE_H

#include <stdbool.h>

/* The number of senders, which are the first connections. */
int senders(void);

/* Whether a connection is one of the senders that send as fast as they can. */
bool is_greedy(int number);

/* Whether a connection is the one that echoes while the others storm. */
bool is_neighbour(int number);

/* The connection that sends what this one receives. */
int sender_of(int number);

/* How many receive an event of this connection. */
int audience_of(int number);

/* Whether one event goes to many. */
bool is_for_many(void);

#endif
