/* The options of the command line. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_NAME 256
#define MAX_HEADERS 2048

/* Bytes of the smallest payload: the numbers of its connection and event. */
#define PAYLOAD_HEAD 20

/* What the connections do; load.c describes each. */
enum mode { ECHO, ACK, FANOUT, ROOMS, CHANNELS, RAW, IDLE, STORM, RECOVERY };

struct options {
    enum mode mode;
    const char *host;
    int port;
    int other_port; /* where connections that were lost are opened again */
    const char *path;
    const char *namespace;
    const char *event; /* the names of the event and of the reply */
    const char *reply;
    int connections;
    int in_flight; /* unanswered events of one connection */
    bool polling;
    bool old; /* Socket.IO 0.9 */
    int rooms;
    int busy;   /* connections that send */
    bool neighbour; /* of a storm: the first connection sends, and stays open */
    int greedy; /* those of them that send as fast as they can: the last ones */
    size_t size; /* bytes of a payload */
    double seconds;
    double warmup;
    double patience;
    double rate;    /* events of a second, of mode recovery */
    bool cuts;      /* connections are cut, and the server is not killed */
    bool positions; /* an event ends with a position */
    int pid; /* of the server, or 0 */
    char prefix[MAX_NAME]; /* the namespace as packets spell it: "/bench," or "" */
    char headers[MAX_HEADERS]; /* of the handshake, each line with its end */
};

/* Set once by read_options, and not changed afterwards. */
extern struct options opt;

/* Read the command line. Ends the program with status 2 when an option is wrong. */
void read_options(int argc, char **argv);

const char *mode_name(enum mode mode);

#endif
