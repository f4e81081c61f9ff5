/* The connections of the floor, and what is sent to them. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>

struct peer {
    int fd;
    bool upgraded;
    bool joined; /* the namespace */
    size_t have; /* bytes of `in` that are not a whole frame yet */
    char *in;
    size_t out; /* bytes of `replies` that are to be sent */
    char *replies;
};

/* A peer for an accepted connection, or NULL when there are too many. */
struct peer *add_peer(int fd);
void remove_peer(struct peer *p);

/* Queue a message for one. */
void reply(struct peer *p, const char *text, size_t length);

/* Queue bytes that are not a message. */
void reply_bytes(struct peer *p, const char *data, size_t length);

/* Send what is queued, in one call. */
void send_replies(struct peer *p);

/* Send a message to all that have joined, each in one call; it is encoded once. */
void tell_all(const char *text, size_t length);

#endif
