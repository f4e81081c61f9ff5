/* The connections, and their states. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "text.h"

#define MAX_SID 128
#define MAX_POSITION 64

/* States in their order; some modes skip some of them. */
enum state { CONNECTING, GREETING, UPGRADING, OPENING, JOINING, ENTERING, READY };

struct connection {
    int fd;
    int number;
    enum state state;
    bool want_write;       /* epoll reports when it is writable */
    struct buffer in;
    struct buffer out;
    struct buffer message; /* the fragments of a message so far */
    bool in_message;       /* its last fragment has not arrived */
    size_t expected;       /* bytes of the frame that has begun to arrive */
    uint64_t sent;         /* events */
    uint64_t received;     /* replies */
    uint64_t received_at_mark; /* replies before the measurement */
    char sid[MAX_SID];     /* polling and 0.9 */
    bool asked;            /* polling: a request is under way */
    bool posted;           /* polling: that request is a POST */
    struct buffer pending; /* polling: the body of the next POST */
    uint64_t begun;        /* when it was opened */
    int window;            /* events that may be unanswered */
    int place;             /* in the order of opening */
    bool elsewhere;        /* it is opened at the other server */
    bool behind;           /* recovery: it has not received all that it missed */
    bool is_new;           /* recovery: it was not recovered, and has received nothing */
    uint64_t due;          /* recovery: the events that were sent when it came back */
    uint64_t lost_at;      /* recovery: when its connection ended */
    char pid[MAX_POSITION]; /* recovery: by which the server knows it */
    char position[MAX_POSITION]; /* recovery: of the last event */
    uint64_t *sent_at;     /* by sequence number modulo the window */
};

extern struct connection *connections; /* opt.connections of them */
extern int ready;                      /* how many are, or in mode storm were, READY */

/* Make the connections and the epoll instance. None is open yet. */
void make_connections(void);

/* Open a TCP connection; it is CONNECTING until that is writable. */
void begin(struct connection *c);

/* Begin more of the first `target` connections, a few at a time. */
void open_more(int target);

/* The first connection below `target` that is not ready, for an error line. */
const struct connection *first_late(int target);

struct epoll_event;

/* Wait for events, at most `milliseconds`; how many came. */
int wait_for_events(struct epoll_event *events, int most, int milliseconds);

/* Send as much of `out` as the kernel accepts. */
void send_waiting(struct connection *c);

/* Send as much of `out` as the kernel accepts, and close. */
void hang_up(struct connection *c);

/* Close a connection that has ended; it will be opened again, at the other server. */
void give_up(struct connection *c);

const char *state_name(const struct connection *c);

/* End the program: what the server sent in `t` is wrong. */
_Noreturn void bad(const struct connection *c, const char *what, struct text t);

#endif
