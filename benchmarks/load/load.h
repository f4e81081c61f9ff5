/* What all of the load generator knows: options, names and connections. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

/* Below the listen backlog of every server measured, so that no SYN is dropped and
 * retried a second later. */
#define HANDSHAKES_AT_ONCE 32

#define READ_ROOM 16384
#define MAX_MESSAGE (64u << 20)
#define MAX_HTTP_HEAD 16384
#define MAX_NAME 256
#define MAX_SID 128
#define MAX_HEADERS 2048

/* The handshake's key is fixed, so its answer is too and no SHA-1 is needed here. This
 * pair is the example of RFC 6455, section 1.3. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum mode { ECHO, ACK, FANOUT, ROOMS, CHANNELS, RAW, IDLE, STORM };
enum state { CONNECTING, GREETING, UPGRADING, OPENING, JOINING, ENTERING, READY };
enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static const char *const MODE_NAMES[] = {"echo", "ack",      "fanout", "rooms",
                                          "channels", "raw", "idle",   "storm"};
static const char *const STATE_NAMES[] = {
    "connecting", "asking for a session", "upgrading to WebSocket", "waiting for the open packet",
    "connecting the namespace", "entering a room or channel", "exchanging events"};

/* What is sent and what comes of it, where no option says otherwise. */
static const char *const EVENTS[] = {"echo", "ask", "shout", "say", "publish",
                                     "", "", ""};
static const char *const REPLIES[] = {"echoed", "", "heard", "heard", "pubblication",
                                      "", "", ""};

/* Events that a greedy connection may have unanswered. */
#define GREEDY_WINDOW 2000

static struct {
    enum mode mode;
    const char *host;
    int port;
    const char *path;
    const char *namespace;
    const char *event;
    const char *reply;
    int connections;
    int in_flight;
    bool polling;
    bool old; /* Socket.IO 0.9 */
    int rooms;
    int busy;
    int greedy;
    size_t size;
    double seconds;
    double warmup;
    double patience;
    int pid;
} opt = {
    .mode = ECHO, .host = "127.0.0.1", .port = 0, .path = "/socket.io/",
    .namespace = "/bench", .event = NULL, .reply = NULL, .connections = 100,
    .in_flight = 8, .rooms = 100, .busy = 0, .greedy = 0, .size = 64, .seconds = 4, .warmup = 1, .patience = 15, .pid = 0,
};

static const char USAGE[] =
    "usage: load --port PORT [options]\n"
    "  -m, --mode MODE         echo, ack, fanout, rooms, channels, raw, idle or storm\n"
    "  -H, --host ADDRESS      IPv4 address (127.0.0.1)\n"
    "  -p, --port PORT\n"
    "  -u, --path PATH         where the server answers (/socket.io/)\n"
    "  -n, --namespace NAME    (/bench)\n"
    "  -e, --event NAME        event to send (by mode: echo, ask, shout, say, publish)\n"
    "  -r, --reply NAME        event to expect (echoed, heard, pubblication)\n"
    "  -x, --header LINE       goes with the handshake; may be given several times\n"
    "  -c, --connections N     (100)\n"
    "  -w, --in-flight N       events in flight per connection, or per fan-out (8)\n"
    "  -T, --transport NAME    websocket or polling (websocket); polling for echo\n"
    "  -O, --protocol NAME     5 or 0.9 (5); 0.9 for echo and fanout\n"
    "  -R, --rooms N           that the connections of mode rooms are in (100)\n"
    "  -b, --busy N            connections that send, of echo and ack (all)\n"
    "  -g, --greedy N          of those, the last that send as fast as they can, up to\n"
    "                          2000 events unanswered; what the server does for the\n"
    "                          others is measured (0)\n"
    "  -s, --size BYTES        payload, at least 20 (64)\n"
    "  -d, --seconds SECONDS   length of the measurement (4)\n"
    "  -W, --warmup SECONDS    before it (1)\n"
    "  -t, --patience SECONDS  for all connections to open, for the last replies (15)\n"
    "  -P, --pid PID           the server's process, for its CPU time and memory\n";

static const struct option LONG_OPTIONS[] = {
    {"mode", required_argument, NULL, 'm'},
    {"host", required_argument, NULL, 'H'},
    {"port", required_argument, NULL, 'p'},
    {"path", required_argument, NULL, 'u'},
    {"namespace", required_argument, NULL, 'n'},
    {"event", required_argument, NULL, 'e'},
    {"reply", required_argument, NULL, 'r'},
    {"header", required_argument, NULL, 'x'},
    {"connections", required_argument, NULL, 'c'},
    {"in-flight", required_argument, NULL, 'w'},
    {"transport", required_argument, NULL, 'T'},
    {"protocol", required_argument, NULL, 'O'},
    {"rooms", required_argument, NULL, 'R'},
    {"busy", required_argument, NULL, 'b'},
    {"greedy", required_argument, NULL, 'g'},
    {"size", required_argument, NULL, 's'},
    {"seconds", required_argument, NULL, 'd'},
    {"warmup", required_argument, NULL, 'W'},
    {"patience", required_argument, NULL, 't'},
    {"pid", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct buffer {
    char *data;
    size_t start; /* what is before it has been used */
    size_t end;
    size_t room;
};

struct connection {
    int fd;
    int number;
    enum state state;
    bool want_write;
    bool in_message;
    struct buffer in;
    struct buffer out;
    struct buffer message; /* the fragments of a message so far */
    size_t expected;       /* bytes of the frame that has begun to arrive */
    uint64_t sent;
    uint64_t received;
    uint64_t received_at_mark;
    char sid[MAX_SID]; /* polling and 0.9 */
    bool asked;        /* polling: a request is under way */
    bool posted;       /* polling: that request is a POST */
    struct buffer pending; /* polling: what the next POST brings */
    uint64_t begun;    /* when it was */
    int window;        /* events that may be unanswered */
    uint64_t *sent_at; /* by sequence number modulo the window */
};

static struct connection *connections;
static int epoll_fd;
static int opened;      /* connections begun */
static int open_target; /* connections to begin by now */
static int ready;
static bool sending;
static bool measuring;
static bool storming;
static uint64_t outstanding;   /* replies due */
static uint64_t engine_pings;  /* answered */
static uint64_t other_events;  /* seen beside the acknowledgements of mode ack */
static int *deliveries; /* by sender, then by sequence number modulo in_flight */
static char prefix[MAX_NAME];  /* the namespace as packets spell it: "/bench," or "" */
static char headers[MAX_HEADERS]; /* of the handshake, each line with its end */
static char *scratch;          /* one outgoing packet */
static char *filler;           /* the payload after its header */

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void usage(const char *why, const char *what)
{
    fprintf(stderr, "load: %s%s\n%s", why, what, USAGE);
    exit(2);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static double own_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / SECOND;
}

#endif
