/*
 * A load generator for Socket.IO servers, Socket.IO 5 over Engine.IO 4 on WebSockets,
 * and for servers of plain WebSockets.
 *
 * One thread and one epoll loop, so that it needs less processor than any server it
 * measures; it reports its own share as load_cpu_percent, and a figure taken while that
 * is high says more about this program than about the server.
 *
 *     cc -O2 -o load load.c
 *     ./load --port 8080 --path /socketio/ --pid 4242
 *
 * Modes:
 *     echo    each connection keeps W events in flight; the server answers each with an
 *             event of another name and the same payload
 *     ack     the same, answered by the acknowledgement of the event
 *     fanout  one of the connections sends, the server sends it on to all of them; an
 *             event is in flight until the last connection has it
 *     rooms   as fanout, in rooms that the connections enter first: one of each sends,
 *             all of its room but itself receive
 *     channels  as fanout, by a channel that all subscribe to first
 *     raw     as echo, without Socket.IO: text messages that come back as they are
 *     idle    the connections are open, and answer pings
 *     storm   connections open, enter the namespace and close, again and again; a message
 *             is one that did
 *
 * Every reply is compared byte for byte with what must come next on its connection. The
 * result is one JSON object on stdout. Exit status: 0, 1 when a connection failed or a
 * reply was wrong or missing (one line on stderr says which), 2 for wrong options.
 */
#define _GNU_SOURCE

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
#define MAX_HEADERS 2048

/* The handshake's key is fixed, so its answer is too and no SHA-1 is needed here. This
 * pair is the example of RFC 6455, section 1.3. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum mode { ECHO, ACK, FANOUT, ROOMS, CHANNELS, RAW, IDLE, STORM };
enum state { CONNECTING, UPGRADING, OPENING, JOINING, ENTERING, READY };
enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static const char *const MODE_NAMES[] = {"echo", "ack",      "fanout", "rooms",
                                          "channels", "raw", "idle",   "storm"};
static const char *const STATE_NAMES[] = {
    "connecting", "upgrading to WebSocket", "waiting for the open packet",
    "connecting the namespace", "entering a room or channel", "exchanging events"};

/* What is sent and what comes of it, where no option says otherwise. */
static const char *const EVENTS[] = {"echo", "ask", "shout", "say", "publish",
                                     "", "", ""};
static const char *const REPLIES[] = {"echoed", "", "heard", "heard", "pubblication",
                                      "", "", ""};

/* Events that a greedy connection may have unanswered. */
#define GREEDY_WINDOW 2000

/* ---- options ------------------------------------------------------------------- */

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

/* ---- state --------------------------------------------------------------------- */

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

/* ---- buffers ------------------------------------------------------------------- */

static size_t buffered(const struct buffer *b)
{
    return b->end - b->start;
}

/* Make room for `more` bytes behind the end, moving what is left to the front first. */
static void reserve(struct buffer *b, size_t more)
{
    if (b->start == b->end) {
        b->start = b->end = 0;
    }
    if (b->room - b->end >= more)
        return;
    if (b->start > 0) {
        memmove(b->data, b->data + b->start, buffered(b));
        b->end -= b->start;
        b->start = 0;
    }
    size_t room = b->room ? b->room : READ_ROOM;
    while (room - b->end < more)
        room *= 2;
    if (room == b->room)
        return;
    b->data = realloc(b->data, room);
    if (b->data == NULL)
        die("out of memory");
    b->room = room;
}

static void append(struct buffer *b, const char *data, size_t length)
{
    reserve(b, length);
    memcpy(b->data + b->end, data, length);
    b->end += length;
}

/* ---- latencies ----------------------------------------------------------------- */

/* Buckets grow with the value, 64 to each power of two: no error above 1.6 %, and no
 * memory that grows with the number of messages. */
#define SUB_BITS 6
#define SUB (1 << SUB_BITS)
#define BUCKETS ((64 - SUB_BITS + 1) * SUB)

static uint64_t histogram[BUCKETS];
static uint64_t recorded;
static uint64_t worst;

static int bucket_of(uint64_t value)
{
    if (value < SUB)
        return (int)value;
    int exponent = 63 - __builtin_clzll(value);
    int sub = (int)(value >> (exponent - SUB_BITS)) & (SUB - 1);
    return (exponent - SUB_BITS + 1) * SUB + sub;
}

static double value_of(int bucket)
{
    if (bucket < SUB)
        return bucket;
    int shift = bucket / SUB - 1;
    return ((double)(SUB + bucket % SUB) + 0.5) * (double)(1ull << shift);
}

static void record(uint64_t nanoseconds)
{
    histogram[bucket_of(nanoseconds)]++;
    recorded++;
    if (nanoseconds > worst)
        worst = nanoseconds;
}

static double percentile(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)recorded);
    uint64_t seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram[bucket];
        if (seen > wanted && value_of(bucket) < (double)worst)
            return value_of(bucket);
    }
    return (double)worst;
}

/* ---- the server's process ------------------------------------------------------ */

/* User and system time of all threads, also of those that have ended: the line of the
 * process in /proc counts them together. */
static double server_cpu_seconds(void)
{
    char path[64], line[1024];
    unsigned long long user, system;

    if (opt.pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", opt.pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        die("cannot read %s: did the server end?", path);
    fclose(file);
    /* The command's name may hold spaces and parentheses; fields count from its end. */
    const char *rest = strrchr(line, ')');
    if (rest == NULL
        || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                  &user, &system) != 2)
        die("cannot understand %s", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double server_rss_kib(void)
{
    char path[64];
    unsigned long long pages;

    if (opt.pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/statm", opt.pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%*u %llu", &pages) != 1)
        die("cannot read %s: did the server end?", path);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* ---- writing ------------------------------------------------------------------- */

static void watch(struct connection *c, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void want_write(struct connection *c, bool wanted)
{
    if (c->want_write == wanted)
        return;
    c->want_write = wanted;
    watch(c, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void flush(struct connection *c)
{
    while (buffered(&c->out) > 0) {
        ssize_t n = send(c->fd, c->out.data + c->out.start, buffered(&c->out),
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0)
            die("connection %d, %s: %s", c->number, STATE_NAMES[c->state],
                strerror(errno));
        c->out.start += (size_t)n;
    }
    want_write(c, buffered(&c->out) > 0);
}

static uint32_t next_mask(void)
{
    /* xorshift32: a proxy might care that masks cannot be foreseen, a load cannot. */
    static uint32_t x = 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void mask_into(char *to, const char *from, size_t length, uint32_t mask)
{
    uint64_t wide = (uint64_t)mask << 32 | mask, word;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    for (; i < length; i++)
        to[i] = from[i] ^ ((const char *)&mask)[i & 3];
}

/* Bytes of a frame's length field after the first two: 0, 2 or 8. */
static int length_bytes(size_t length)
{
    return length < 126 ? 0 : length < 65536 ? 2 : 8;
}

static void write_frame(struct connection *c, int opcode, const char *data,
                        size_t length)
{
    int extra = length_bytes(length);
    reserve(&c->out, length + 14);
    char *at = c->out.data + c->out.end;
    *at++ = (char)(0x80 | opcode);
    *at++ = (char)(0x80 | (extra == 0 ? length : extra == 2 ? 126 : 127));
    for (int i = extra - 1; i >= 0; i--)
        *at++ = (char)((uint64_t)length >> (8 * i));
    uint32_t mask = next_mask();
    memcpy(at, &mask, 4);
    at += 4;
    mask_into(at, data, length, mask);
    c->out.end = (size_t)(at + length - c->out.data);
}

/* ---- payloads ------------------------------------------------------------------ */

/* A payload says whose it is and which, then is filled up: "0000002a-0000000017-abc…".
 * The digits are written by hand: printf would be a good part of the time per event. */
#define PAYLOAD_HEAD 20

static void payload_head(char *to, int connection, uint64_t sequence)
{
    static const char HEX[] = "0123456789abcdef";
    for (int i = 7; i >= 0; i--, connection >>= 4)
        to[i] = HEX[connection & 15];
    to[8] = '-';
    for (int i = 18; i >= 9; i--, sequence /= 10)
        to[i] = (char)('0' + sequence % 10);
    to[19] = '-';
}

static void make_filler(void)
{
    filler = allocate(opt.size, 1);
    for (size_t i = 0; i < opt.size - PAYLOAD_HEAD; i++)
        filler[i] = (char)('a' + i % 26);
}

static char *put(char *to, const char *text)
{
    return stpcpy(to, text);
}

static char *put_number(char *to, uint64_t number)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *put_payload(char *to, int connection, uint64_t sequence)
{
    payload_head(to, connection, sequence);
    memcpy(to + PAYLOAD_HEAD, filler, opt.size - PAYLOAD_HEAD);
    return to + opt.size;
}

/* One event for many: the connection that sends what `c` receives. */
static struct connection *sender_of(struct connection *c)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return &connections[0];
    return opt.mode == ROOMS ? &connections[c->number % opt.rooms] : c;
}

/* How many receive an event of this connection. */
static int audience(struct connection *sender)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return opt.connections;
    if (opt.mode != ROOMS)
        return 1;
    return (opt.connections - sender->number + opt.rooms - 1) / opt.rooms - 1;
}

static char *put_event(char *at, struct connection *c, uint64_t sequence)
{
    at = put(put(at, "42"), prefix);
    if (opt.mode == ACK)
        at = put_number(at, sequence);
    at = put(put(put(at, "[\""), opt.event), "\",\"");
    if (opt.mode == ROOMS)
        at = put(put_number(put(at, "r"), (uint64_t)c->number), "\",\"");
    return put(put_payload(at, c->number, sequence), "\"]");
}

static void send_event(struct connection *c, uint64_t when)
{
    uint64_t sequence = c->sent++;
    char *at = opt.mode == RAW ? put_payload(scratch, c->number, sequence)
                               : put_event(scratch, c, sequence);
    c->sent_at[sequence % (uint64_t)c->window] = when;
    outstanding += (uint64_t)audience(c);
    write_frame(c, TEXT, scratch, (size_t)(at - scratch));
}

/* ---- reading packets ----------------------------------------------------------- */

struct text {
    const char *at;
    const char *end;
};

/* The start of a server's text, printable and short, for an error line. */
static const char *excerpt(struct text t)
{
    static char line[128];
    size_t n = (size_t)(t.end - t.at), i;
    for (i = 0; i < n && i < sizeof line - 4; i++)
        line[i] = t.at[i] >= ' ' && t.at[i] <= '~' ? t.at[i] : '.';
    strcpy(line + i, i < n ? "..." : "");
    return line;
}

static void bad(struct connection *c, const char *what, struct text t)
{
    die("connection %d, %s: %s: %s", c->number, STATE_NAMES[c->state], what,
        excerpt(t));
}

static bool take(struct text *t, const char *expected, size_t length)
{
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, expected, length) != 0)
        return false;
    t->at += length;
    return true;
}

static bool take_word(struct text *t, const char *expected)
{
    return take(t, expected, strlen(expected));
}

/* A token of JSON with the white space that may stand before it. */
static bool take_json(struct text *t, const char *expected)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n'))
        t->at++;
    return take_word(t, expected);
}

static bool take_payload(struct text *t, int connection, uint64_t sequence)
{
    char head[PAYLOAD_HEAD];
    payload_head(head, connection, sequence);
    return take(t, head, PAYLOAD_HEAD) && take(t, filler, opt.size - PAYLOAD_HEAD);
}

/* Whether the packet, after its two type digits, is the reply due on it. */
static bool is_due_reply(struct connection *c, struct text t)
{
    char number[21];
    if (opt.mode == RAW)
        return take_payload(&t, c->number, c->received) && t.at == t.end;
    if (!take_word(&t, prefix))
        return false;
    if (opt.mode == ACK) {
        *put_number(number, c->received) = '\0';
        if (!take_word(&t, number) || !take_json(&t, "["))
            return false;
    } else if (!take_json(&t, "[") || !take_json(&t, "\"") || !take_word(&t, opt.reply)
               || !take_word(&t, "\"") || !take_json(&t, ",")) {
        return false;
    }
    int sender = sender_of(c)->number;
    return take_json(&t, "\"") && take_payload(&t, sender, c->received)
        && take_word(&t, "\"") && take_json(&t, "]") && t.at == t.end;
}

/* ---- what a packet does -------------------------------------------------------- */

/* An event that all have whom it is for makes room for the next one. */
static void count_delivery(struct connection *sender, uint64_t slot, uint64_t when)
{
    int *count = &deliveries[(uint64_t)sender->number * (uint64_t)opt.in_flight + slot];
    if (++*count < audience(sender))
        return;
    *count = 0;
    if (sending) {
        send_event(sender, when);
        flush(sender);
    }
}

static bool is_greedy(struct connection *c)
{
    return c->window != opt.in_flight;
}

static void on_reply(struct connection *c, struct text packet, struct text rest,
                     uint64_t when)
{
    struct connection *sender = sender_of(c);
    if (c->received >= sender->sent)
        bad(c, "a reply to nothing", packet);
    if (!is_due_reply(c, rest))
        bad(c, "wrong reply, or out of order", packet);
    uint64_t slot = c->received++ % (uint64_t)sender->window;
    outstanding--;
    if (measuring && !is_greedy(c))
        record(when - sender->sent_at[slot]);
    if (sender != c || opt.mode == FANOUT || opt.mode == CHANNELS)
        count_delivery(sender, slot, when);
    else if (sending)
        send_event(c, when);
}

static void begin(struct connection *c);

/* Storm: a connection that is ready has done what it was for. */
static void start_over(struct connection *c)
{
    write_frame(c, CLOSE, "\x03\xe8", 2); /* 1000, normal */
    send(c->fd, c->out.data + c->out.start, buffered(&c->out), MSG_NOSIGNAL);
    close(c->fd);
    c->received++;
    if (measuring)
        record(now() - c->begun);
    c->in.start = c->in.end = c->out.start = c->out.end = 0;
    c->state = CONNECTING;
    if (storming)
        begin(c);
}

static void is_ready(struct connection *c)
{
    ready++;
    if (opt.mode == STORM)
        start_over(c);
    else
        c->state = READY;
}

/* Rooms and channels are entered by an event of their own, whose ack has the id 0. */
static void enter(struct connection *c)
{
    char text[3 * MAX_NAME], *at = put(put(put(text, "42"), prefix), "0[\"");
    if (opt.mode == ROOMS)
        at = put_number(put(at, "enter\",\"r"), (uint64_t)(c->number % opt.rooms));
    else
        at = put(at, "subscribe\",\"bench");
    at = put(at, "\"]");
    c->state = ENTERING;
    write_frame(c, TEXT, text, (size_t)(at - text));
}

static void on_joined(struct connection *c, struct text packet, struct text rest)
{
    if (c->state != JOINING || !take_word(&rest, prefix))
        bad(c, "unexpected connect packet", packet);
    if (opt.mode == ROOMS || opt.mode == CHANNELS)
        enter(c);
    else
        is_ready(c);
}

static void on_packet(struct connection *c, struct text packet, uint64_t when)
{
    struct text rest = {packet.at + 2, packet.end};
    char type = rest.at <= packet.end ? packet.at[1] : '\0';

    if (type == '0')
        on_joined(c, packet, rest);
    else if (type == '1')
        bad(c, "disconnected by the server", packet);
    else if (type == '4')
        bad(c, "refused by the namespace", packet);
    else if (c->state == ENTERING && type == '3')
        is_ready(c);
    else if (c->state == ENTERING && type == '2')
        other_events++; /* the first who entered may send already */
    else if (c->state != READY)
        bad(c, "a packet before the namespace is connected", packet);
    else if (type == (opt.mode == ACK ? '3' : '2'))
        on_reply(c, packet, rest, when);
    else if (type == '2')
        other_events++;
    else
        bad(c, "unexpected packet", packet);
}

static void join_namespace(struct connection *c, struct text packet)
{
    char text[MAX_NAME + 8];
    if (c->state != OPENING)
        bad(c, "a second open packet", packet);
    c->state = JOINING;
    write_frame(c, TEXT, text, (size_t)(put(put(text, "40"), prefix) - text));
}

/* The server asks whether the client is alive; what follows the 2 is given back. */
static void answer_ping(struct connection *c, struct text packet)
{
    char text[MAX_NAME];
    size_t length = (size_t)(packet.end - packet.at);
    if (length > sizeof text)
        bad(c, "a long ping", packet);
    memcpy(text, packet.at, length);
    text[0] = '3';
    engine_pings++;
    write_frame(c, TEXT, text, length);
}

static void on_message(struct connection *c, struct text packet, uint64_t when)
{
    char type = packet.at < packet.end ? *packet.at : '\0';
    if (opt.mode == RAW)
        on_reply(c, packet, packet, when);
    else if (type == '4' && c->state >= JOINING)
        on_packet(c, packet, when);
    else if (type == '0')
        join_namespace(c, packet);
    else if (type == '2')
        answer_ping(c, packet);
    else if (type == '1')
        bad(c, "closed by the server", packet);
    else if (type != '6') /* noop */
        bad(c, "unexpected Engine.IO packet", packet);
}

/* ---- reading frames ------------------------------------------------------------ */

static void on_close_frame(struct connection *c, struct text data)
{
    int code = 1005; /* "no status received" */
    if (data.end - data.at >= 2) {
        code = (unsigned char)data.at[0] << 8 | (unsigned char)data.at[1];
        data.at += 2;
    }
    die("connection %d, %s: WebSocket closed by the server, code %d: %s", c->number,
        STATE_NAMES[c->state], code, excerpt(data));
}

static void on_data_frame(struct connection *c, bool final, bool first,
                          struct text data, uint64_t when)
{
    if (first == c->in_message)
        bad(c, "fragments out of order", data);
    if (first && final) {
        on_message(c, data, when);
        return;
    }
    append(&c->message, data.at, (size_t)(data.end - data.at));
    c->in_message = !final;
    if (buffered(&c->message) > MAX_MESSAGE)
        bad(c, "message too long", data);
    if (final) {
        struct text whole = {c->message.data + c->message.start,
                             c->message.data + c->message.end};
        on_message(c, whole, when);
        c->message.start = c->message.end = 0;
    }
}

static void on_frame(struct connection *c, bool final, int opcode, struct text data,
                     uint64_t when)
{
    if (opcode >= CLOSE && (!final || data.end - data.at > 125))
        bad(c, "a control frame too long or in pieces", data);
    if (opcode == TEXT || opcode == CONTINUATION)
        on_data_frame(c, final, opcode == TEXT, data, when);
    else if (opcode == CLOSE)
        on_close_frame(c, data);
    else if (opcode == PING)
        write_frame(c, PONG, data.at, (size_t)(data.end - data.at));
    else if (opcode != PONG)
        bad(c, "a frame that is neither text nor control", data);
}

/* Take one frame from the input. False when it has not arrived whole. */
static bool read_frame(struct connection *c, uint64_t when)
{
    size_t have = buffered(&c->in);
    const unsigned char *head = (unsigned char *)c->in.data + c->in.start;
    struct text shown = {(const char *)head, (const char *)head + have};

    if (have < 2)
        return false;
    if (head[0] & 0x70 || head[1] & 0x80)
        bad(c, "a frame that is masked or uses an extension", shown);
    uint64_t length = head[1] & 0x7f;
    size_t extra = length == 127 ? 8 : length == 126 ? 2 : 0;
    if (have < 2 + extra)
        return false;
    for (size_t i = 0; i < extra; i++)
        length = (i ? length << 8 : 0) | head[2 + i];
    if (length > MAX_MESSAGE)
        bad(c, "frame too long", shown);
    c->expected = 2 + extra + (size_t)length;
    if (have < c->expected)
        return false;
    const char *data = (const char *)head + 2 + extra;
    c->in.start += c->expected;
    c->expected = 0;
    on_frame(c, head[0] & 0x80, head[0] & 0x0f, (struct text){data, data + length},
             when);
    return true;
}

/* ---- opening ------------------------------------------------------------------- */

static void request_upgrade(struct connection *c)
{
    char request[1024 + MAX_HEADERS];
    int length = snprintf(request, sizeof request,
        "GET %s%s HTTP/1.1\r\n"
        "Host: %s:%d\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: " WS_KEY "\r\n"
        "%s"
        "Sec-WebSocket-Version: 13\r\n\r\n", opt.path,
        opt.mode == RAW ? "" : "?EIO=4&transport=websocket", opt.host, opt.port,
        headers);
    c->state = UPGRADING;
    append(&c->out, request, (size_t)length);
}

static void check_upgrade(struct connection *c, char *head)
{
    struct text all = {head, head + strlen(head)};
    static const char NAME[] = "\r\nsec-websocket-accept:";

    if (strncmp(head, "HTTP/1.1 101", 12) != 0)
        bad(c, "refused", all);
    const char *accept = strcasestr(head, NAME);
    if (accept == NULL)
        bad(c, "no Sec-WebSocket-Accept", all);
    accept += strlen(NAME);
    accept += strspn(accept, " \t");
    if (strncmp(accept, WS_ACCEPT, strlen(WS_ACCEPT)) != 0)
        bad(c, "wrong Sec-WebSocket-Accept", all);
}

/* Take the answer to the upgrade from the input. False while it has not come whole. */
static bool read_upgrade(struct connection *c)
{
    char *start = c->in.data + c->in.start;
    char *end = memmem(start, buffered(&c->in), "\r\n\r\n", 4);
    if (end == NULL) {
        if (buffered(&c->in) > MAX_HTTP_HEAD)
            die("connection %d: HTTP header too long", c->number);
        return false;
    }
    *end = '\0';
    check_upgrade(c, start);
    c->in.start += (size_t)(end - start) + 4;
    c->state = opt.mode == RAW ? READY : OPENING;
    ready += c->state == READY;
    return true;
}

/* How many connections send: the first ones. */
static int senders(void)
{
    if (opt.mode == IDLE || opt.mode == STORM)
        return 0;
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return 1;
    return opt.mode == ROOMS ? opt.rooms : opt.busy;
}

static void begin(struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port)};
    int on = 1;

    inet_pton(AF_INET, opt.host, &to.sin_addr); /* checked with the options */
    c->window = c->number >= senders() - opt.greedy && c->number < senders()
        ? GREEDY_WINDOW : opt.in_flight;
    if (c->number < senders())
        c->sent_at = allocate((size_t)c->window, sizeof *c->sent_at);
    c->begun = now();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("connection %d: %s", c->number, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connection %d: %s", c->number, strerror(errno));
    c->want_write = true;
    watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void open_one(void)
{
    struct connection *c = &connections[opened];
    c->number = opened++;
    begin(c);
}

static void open_more(void)
{
    while (opened < open_target && opened - ready < HANDSHAKES_AT_ONCE)
        open_one();
}

/* ---- the loop ------------------------------------------------------------------ */

static void on_connected(struct connection *c)
{
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0)
        die("connection %d: %s", c->number, strerror(error));
    request_upgrade(c);
}

static void handle_input(struct connection *c, uint64_t when)
{
    if (c->state == UPGRADING && !read_upgrade(c))
        return;
    while (c->state != CONNECTING && read_frame(c, when))
        ;
}

/* One read per event: a connection with much to say must not keep others waiting. */
static void on_readable(struct connection *c)
{
    size_t room = READ_ROOM / 2;
    if (c->expected > buffered(&c->in) + room)
        room = c->expected - buffered(&c->in);
    reserve(&c->in, room);
    ssize_t n = recv(c->fd, c->in.data + c->in.end, c->in.room - c->in.end, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        die("connection %d, %s: %s", c->number, STATE_NAMES[c->state],
            n < 0 ? strerror(errno) : "closed by the server without a close frame");
    c->in.end += (size_t)n;
    handle_input(c, now());
}

static void on_event(struct epoll_event *event)
{
    struct connection *c = event->data.ptr;
    if (c->state == CONNECTING)
        on_connected(c);
    else if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(c);
    if (c->state != CONNECTING) /* one of a storm may have begun anew */
        flush(c);
}

/* Handle events until `done` says so or the time is up. */
static void run(uint64_t deadline, bool (*done)(void))
{
    struct epoll_event events[256];
    uint64_t t;

    while (!(done && done()) && (t = now()) < deadline) {
        open_more();
        int wait = (int)((deadline - t + MILLISECOND - 1) / MILLISECOND);
        int n = epoll_wait(epoll_fd, events, 256, wait);
        if (n < 0 && errno != EINTR)
            die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++)
            on_event(&events[i]);
    }
}

static uint64_t from_now(double seconds)
{
    return now() + (uint64_t)(seconds * (double)SECOND);
}

static bool all_ready(void)
{
    return ready == open_target;
}

static bool all_answered(void)
{
    return outstanding == 0;
}

static void open_up_to(int target, uint64_t deadline)
{
    open_target = target;
    run(deadline, all_ready);
    if (ready < target)
        die("%d of %d connections open after %g s; connection %d is %s", ready,
            opt.connections, opt.patience, ready < opened ? ready : opened - 1,
            STATE_NAMES[connections[ready < opened ? ready : opened - 1].state]);
}

/* ---- the measurement ----------------------------------------------------------- */

struct sample {
    uint64_t time;
    double server_cpu;
    double own_cpu;
};

static struct sample take_sample(void)
{
    return (struct sample){now(), server_cpu_seconds(), own_cpu_seconds()};
}

static void start_sending(void)
{
    uint64_t when = now();
    sending = true;
    for (int i = 0; i < opt.connections && opt.mode == STORM; i++)
        begin(&connections[i]);
    for (int i = 0; i < senders(); i++) {
        for (int n = 0; n < connections[i].window; n++)
            send_event(&connections[i], when);
        flush(&connections[i]);
    }
}

struct counts {
    uint64_t all;
    uint64_t greedy;
    uint64_t least;
    uint64_t most;
    int silent;
};

static struct counts count_replies(void)
{
    struct counts result = {.least = UINT64_MAX};
    int many = opt.mode == FANOUT || opt.mode == CHANNELS ? opt.connections
        : opt.mode == ROOMS || opt.mode == STORM ? opt.connections : senders();
    for (int i = 0; i < many; i++) {
        uint64_t n = connections[i].received - connections[i].received_at_mark;
        result.all += n;
        if (is_greedy(&connections[i])) {
            result.greedy += n;
            continue;
        }
        if (opt.mode == ROOMS && i < opt.rooms)
            continue; /* who sends does not receive */
        result.silent += n == 0;
        result.least = n < result.least ? n : result.least;
        result.most = n > result.most ? n : result.most;
    }
    return result;
}

static void print_server(double cpu, uint64_t messages, double rss, double growth)
{
    if (opt.pid == 0)
        return;
    printf(", \"server\": {\"cpu_seconds\": %.2f, \"cpu_us_per_message\": %.2f, "
           "\"rss_kib\": %.0f, \"kib_per_connection\": %.1f}",
           cpu, messages ? cpu * 1e6 / (double)messages : 0, rss,
           opt.connections > 1 ? growth / (opt.connections - 1) : growth);
}

static void print_result(struct sample from, struct sample to, struct counts n,
                         double growth)
{
    double seconds = (double)(to.time - from.time) / SECOND;
    printf("{\"mode\": \"%s\", \"connections\": %d, \"in_flight\": %d, \"size\": %zu, "
           "\"seconds\": %.3f, \"messages\": %llu, \"messages_per_second\": %.1f",
           MODE_NAMES[opt.mode], opt.connections, opt.in_flight, opt.size, seconds,
           (unsigned long long)n.all, (double)n.all / seconds);
    printf(", \"latency_us\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, "
           "\"max\": %.0f}", percentile(0.5) / 1e3, percentile(0.9) / 1e3,
           percentile(0.99) / 1e3, (double)worst / 1e3);
    printf(", \"per_connection\": {\"min\": %llu, \"max\": %llu, \"silent\": %d}",
           n.least == UINT64_MAX ? 0 : (unsigned long long)n.least,
           (unsigned long long)n.most, n.silent);
    if (opt.greedy > 0)
        printf(", \"greedy_messages_per_second\": %.1f", (double)n.greedy / seconds);
    print_server(to.server_cpu - from.server_cpu, n.all, server_rss_kib(), growth);
    printf(", \"engine_pings\": %llu, \"other_events\": %llu, \"unanswered\": %llu, "
           "\"load_cpu_percent\": %.1f}\n", (unsigned long long)engine_pings,
           (unsigned long long)other_events, (unsigned long long)outstanding,
           100 * (to.own_cpu - from.own_cpu) / seconds);
}

/* The first connection makes a server load what it loads late; memory per connection
 * counts from the second. */
static double open_all(void)
{
    uint64_t deadline = from_now(opt.patience);
    open_up_to(1, deadline);
    double before = server_rss_kib();
    open_up_to(opt.connections, deadline);
    return server_rss_kib() - before;
}

static struct counts measure(struct sample *from, struct sample *to)
{
    storming = opt.mode == STORM;
    start_sending();
    run(from_now(opt.warmup), NULL);
    for (int i = 0; i < opt.connections; i++)
        connections[i].received_at_mark = connections[i].received;
    measuring = true;
    *from = take_sample();
    run(from_now(opt.seconds), NULL);
    *to = take_sample();
    measuring = sending = storming = false;
    return count_replies();
}

static void say_goodbye(void)
{
    if (opt.mode == STORM)
        return; /* the kernel closes what has begun */
    for (int i = 0; i < opt.connections; i++) {
        write_frame(&connections[i], CLOSE, "\x03\xe8", 2); /* 1000, normal */
        send(connections[i].fd, connections[i].out.data + connections[i].out.start,
             buffered(&connections[i].out), MSG_NOSIGNAL);
        close(connections[i].fd);
    }
}

/* ---- setting up ---------------------------------------------------------------- */

static double number(const char *text, double least, double most, const char *name)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        usage("not a sensible ", name);
    return value;
}

static enum mode mode_named(const char *name)
{
    for (int i = ECHO; i <= STORM; i++)
        if (strcmp(name, MODE_NAMES[i]) == 0)
            return (enum mode)i;
    usage("no such mode: ", name);
    return ECHO;
}

/* Names go into requests and packets as they are, so they must need no quoting. */
static const char *plain(const char *text)
{
    if (strlen(text) >= MAX_NAME - 2 || strpbrk(text, "\"\\, \r\n") != NULL)
        usage("not a plain short name: ", text);
    return text;
}

static void add_header(const char *line)
{
    size_t used = strlen(headers);
    if (strchr(line, ':') == NULL || strpbrk(line, "\r\n") != NULL)
        usage("not a header: ", line);
    if (used + strlen(line) + sizeof "\r\n" > MAX_HEADERS)
        usage("too many headers: ", line);
    sprintf(headers + used, "%s\r\n", line);
}

static void set_option(int letter, const char *value)
{
    switch (letter) {
    case 'm': opt.mode = mode_named(value); break;
    case 'H': opt.host = plain(value); break;
    case 'p': opt.port = (int)number(value, 1, 65535, "port"); break;
    case 'u': opt.path = plain(value); break;
    case 'n': opt.namespace = plain(value); break;
    case 'e': opt.event = plain(value); break;
    case 'r': opt.reply = plain(value); break;
    case 'x': add_header(value); break;
    case 'c': opt.connections = (int)number(value, 1, 1e5, "connections"); break;
    case 'w': opt.in_flight = (int)number(value, 1, 1e5, "in-flight"); break;
    case 'R': opt.rooms = (int)number(value, 1, 1e5, "rooms"); break;
    case 'b': opt.busy = (int)number(value, 1, 1e5, "busy"); break;
    case 'g': opt.greedy = (int)number(value, 0, 1e5, "greedy"); break;
    case 's': opt.size = (size_t)number(value, PAYLOAD_HEAD, 16e6, "size"); break;
    case 'd': opt.seconds = number(value, 0.1, 3600, "seconds"); break;
    case 'W': opt.warmup = number(value, 0, 3600, "warmup"); break;
    case 't': opt.patience = number(value, 0.1, 3600, "patience"); break;
    case 'P': opt.pid = (int)number(value, 1, 1e9, "pid"); break;
    case 'h': fputs(USAGE, stdout); exit(0);
    default: fputs(USAGE, stderr); exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    struct in_addr address;
    int letter;
    while ((letter = getopt_long(argc, argv, "m:H:p:u:n:e:r:x:c:w:R:b:g:s:d:W:t:P:h",
                                 LONG_OPTIONS, NULL)) != -1)
        set_option(letter, optarg);
    if (optind < argc)
        usage("what is ", argv[optind]);
    if (opt.port == 0)
        usage("which port? ", "");
    if (inet_pton(AF_INET, opt.host, &address) != 1)
        usage("not an IPv4 address: ", opt.host);
    if (opt.event == NULL)
        opt.event = EVENTS[opt.mode];
    if (opt.reply == NULL)
        opt.reply = REPLIES[opt.mode];
    if (opt.busy == 0 || opt.busy > opt.connections)
        opt.busy = opt.connections;
    if (opt.mode == ROOMS && opt.connections < 2 * opt.rooms)
        usage("a room needs two connections", "");
    if (opt.greedy > 0 && (opt.mode > ACK || opt.greedy >= opt.busy))
        usage("greedy connections are some of those that echo", "");
    if (strcmp(opt.namespace, "/") != 0)
        snprintf(prefix, sizeof prefix, "%s,", opt.namespace);
}

static void allow_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* if that is too few, opening says so */
}

int main(int argc, char **argv)
{
    struct sample from, to;

    read_options(argc, argv);
    allow_descriptors();
    make_filler();
    scratch = allocate(opt.size + 3 * MAX_NAME, 1);
    deliveries = allocate((size_t)opt.in_flight * (size_t)(senders() + 1),
                          sizeof *deliveries);
    connections = allocate((size_t)opt.connections, sizeof *connections);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1: %s", strerror(errno));

    double growth = open_all();
    struct counts counts = measure(&from, &to);
    run(from_now(opt.patience), all_answered);
    print_result(from, to, counts, growth);
    if (outstanding > 0)
        die("%llu replies missing %g s after the last event",
            (unsigned long long)outstanding, opt.patience);
    if (counts.all == 0 && opt.mode != IDLE)
        die("not one reply in the measurement");
    say_goodbye();
    return 0;
}
