/*
 * A load generator for Socket.IO servers, Socket.IO 5 over Engine.IO 4 on WebSockets or
 * long-polling, or Socket.IO 0.9 on WebSockets, and for servers of plain WebSockets.
 *
 * One thread and one epoll loop, so that it needs less processor than any server it
 * measures; it reports its own share as load_cpu_percent, and a figure taken while that
 * is high says more about this program than about the server.
 *
 * One program of one translation unit: each header has a subject of its own.
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

/* In this order: each needs those before it. */
#include "load.h"
#include "buffers.h"
#include "latencies.h"
#include "process.h"
#include "writing.h"
#include "payloads.h"
#include "packets.h"
#include "frames.h"
#include "opening.h"
#include "loop.h"
#include "measuring.h"

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

/* Whether it is the second of two. */
static bool is_one_of(const char *value, const char *first, const char *second)
{
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0)
        usage("not known: ", value);
    return strcmp(value, second) == 0;
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
    case 'T': opt.polling = is_one_of(value, "websocket", "polling"); break;
    case 'O': opt.old = is_one_of(value, "5", "0.9"); break;
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
    while ((letter = getopt_long(argc, argv, "m:H:p:u:n:e:r:x:c:w:T:O:R:b:g:s:d:W:t:P:h",
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
    if (opt.polling && (opt.mode != ECHO || opt.old))
        usage("polling is for echo, of protocol 5", "");
    if (opt.old && opt.mode != ECHO && opt.mode != FANOUT)
        usage("0.9 is for echo and fanout", "");
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
