#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options opt = {
    .mode = ECHO,
    .host = "127.0.0.1",
    .path = "/socket.io/",
    .namespace = "/bench",
    .connections = 100,
    .in_flight = 8,
    .rooms = 100,
    .size = 64,
    .seconds = 4,
    .warmup = 1,
    .patience = 15,
    .rate = 10,
};

/* Each mode, with its default events. */
static const struct {
    const char *name;
    const char *event;
    const char *reply;
} MODES[] = {
    [ECHO] = {"echo", "echo", "echoed"},
    [ACK] = {"ack", "ask", ""},
    [FANOUT] = {"fanout", "shout", "heard"},
    [ROOMS] = {"rooms", "say", "heard"},
    [CHANNELS] = {"channels", "publish", "pubblication"},
    [RAW] = {"raw", "", ""},
    [IDLE] = {"idle", "", ""},
    [STORM] = {"storm", "", ""},
    [RECOVERY] = {"recovery", "shout", "heard"},
};

static const char USAGE[] =
    "usage: load --port PORT [options]\n"
    "  -m, --mode MODE         echo, ack, fanout, rooms, channels, raw, idle,\n"
    "                          storm or recovery\n"
    "  -H, --host ADDRESS      IPv4 address (127.0.0.1)\n"
    "  -p, --port PORT\n"
    "  -u, --path PATH         where the server answers (/socket.io/)\n"
    "  -n, --namespace NAME    (/bench)\n"
    "  -e, --event NAME        event to send (by mode: echo, ask, shout, say, publish)\n"
    "  -r, --reply NAME        event to expect (echoed, heard, pubblication)\n"
    "  -x, --header LINE       sent with the handshake; may be given several times\n"
    "  -c, --connections N     (100)\n"
    "  -w, --in-flight N       events in flight per connection, or per fan-out (8)\n"
    "  -T, --transport NAME    websocket or polling (websocket); polling for\n"
    "                          echo and idle\n"
    "  -O, --protocol NAME     5 or 0.9 (5); 0.9 for echo and fanout\n"
    "  -R, --rooms N           rooms of mode rooms (100)\n"
    "  -b, --busy N            connections that send, of echo and ack (all)\n"
    "  -g, --greedy N          of those, the last that send as fast as they can, up to\n"
    "                          2000 events unanswered; what the server does for the\n"
    "                          others is measured (0)\n"
    "  -N, --neighbour         mode storm: the first connection stays open and echoes, and\n"
    "                          its latency is measured, too\n"
    "  -s, --size BYTES        payload, at least 20 (64)\n"
    "  -d, --seconds SECONDS   length of the measurement (4)\n"
    "  -W, --warmup SECONDS    before it (1)\n"
    "  -t, --patience SECONDS  for all connections to open, for the last replies (15)\n"
    "  -o, --positions         each event ends with a position, which is another argument\n"
    "  -a, --rate N            events of a second, of mode recovery (10)\n"
    "  -A, --other-port PORT   mode recovery: the server that is not lost\n"
    "  -l, --lose WHAT         mode recovery: server, which is killed (see --pid), or\n"
    "                          connections (server)\n"
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
    {"neighbour", no_argument, NULL, 'N'},
    {"size", required_argument, NULL, 's'},
    {"seconds", required_argument, NULL, 'd'},
    {"warmup", required_argument, NULL, 'W'},
    {"patience", required_argument, NULL, 't'},
    {"positions", no_argument, NULL, 'o'},
    {"rate", required_argument, NULL, 'a'},
    {"other-port", required_argument, NULL, 'A'},
    {"lose", required_argument, NULL, 'l'},
    {"pid", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static _Noreturn void usage(const char *why, const char *what)
{
    fprintf(stderr, "load: %s%s\n%s", why, what, USAGE);
    exit(2);
}

static double number(const char *text, double least, double most, const char *name)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        usage("invalid ", name);
    return value;
}

static enum mode mode_named(const char *name)
{
    for (int i = ECHO; i <= RECOVERY; i++)
        if (strcmp(name, MODES[i].name) == 0)
            return (enum mode)i;
    usage("unknown mode: ", name);
}

const char *mode_name(enum mode mode)
{
    return MODES[mode].name;
}

/* Names are written into requests and packets unquoted. */
static const char *plain(const char *text)
{
    if (strlen(text) >= MAX_NAME - 2 || strpbrk(text, "\"\\, \r\n") != NULL)
        usage("too long, or with characters that need quoting: ", text);
    return text;
}

static void add_header(const char *line)
{
    size_t used = strlen(opt.headers);
    if (strchr(line, ':') == NULL || strpbrk(line, "\r\n") != NULL)
        usage("not a header: ", line);
    if (used + strlen(line) + sizeof "\r\n" > MAX_HEADERS)
        usage("too many headers: ", line);
    sprintf(opt.headers + used, "%s\r\n", line);
}

/* True for the second of two names, false for the first. */
static bool is_second(const char *value, const char *first, const char *second)
{
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0)
        usage("unknown value: ", value);
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
    case 'T': opt.polling = is_second(value, "websocket", "polling"); break;
    case 'O': opt.old = is_second(value, "5", "0.9"); break;
    case 'R': opt.rooms = (int)number(value, 1, 1e5, "rooms"); break;
    case 'b': opt.busy = (int)number(value, 1, 1e5, "busy"); break;
    case 'g': opt.greedy = (int)number(value, 0, 1e5, "greedy"); break;
    case 'N': opt.neighbour = true; break;
    case 's': opt.size = (size_t)number(value, PAYLOAD_HEAD, 16e6, "size"); break;
    case 'd': opt.seconds = number(value, 0.1, 3600, "seconds"); break;
    case 'W': opt.warmup = number(value, 0, 3600, "warmup"); break;
    case 't': opt.patience = number(value, 0.1, 3600, "patience"); break;
    case 'o': opt.positions = true; break;
    case 'a': opt.rate = number(value, 0.1, 1e5, "rate"); break;
    case 'A': opt.other_port = (int)number(value, 1, 65535, "other-port"); break;
    case 'l': opt.cuts = is_second(value, "server", "connections"); break;
    case 'P': opt.pid = (int)number(value, 1, 1e9, "pid"); break;
    case 'h': fputs(USAGE, stdout); exit(0);
    default: fputs(USAGE, stderr); exit(2);
    }
}

/* Options that are valid alone may be invalid together. */
static void check_options(void)
{
    struct in_addr address;
    if (opt.port == 0)
        usage("--port is missing", "");
    if (inet_pton(AF_INET, opt.host, &address) != 1)
        usage("not an IPv4 address: ", opt.host);
    if (opt.mode == ROOMS && opt.connections < 2 * opt.rooms)
        usage("a room needs two connections", "");
    if (opt.polling && ((opt.mode != ECHO && opt.mode != IDLE) || opt.old))
        usage("polling is for echo and idle, of protocol 5", "");
    if (opt.old && opt.mode != ECHO && opt.mode != FANOUT)
        usage("0.9 is for echo and fanout", "");
    if (opt.neighbour && (opt.mode != STORM || opt.connections < 2))
        usage("a neighbour needs a storm, and a second connection", "");
    if (opt.mode == RECOVERY && (opt.other_port == 0 || opt.connections < 2))
        usage("recovery needs another server, and two connections", "");
    if (opt.mode == RECOVERY && !opt.cuts && opt.pid == 0)
        usage("recovery needs the process that is killed", "");
    if (opt.greedy > 0 && (opt.mode > ACK || opt.greedy >= opt.busy))
        usage("greedy connections are some of those that echo", "");
}

void read_options(int argc, char **argv)
{
    int letter;
    while ((letter = getopt_long(argc, argv, "m:H:p:u:n:e:r:x:c:w:T:O:R:b:g:Ns:d:W:t:oa:A:l:P:h",
                                 LONG_OPTIONS, NULL)) != -1)
        set_option(letter, optarg);
    if (optind < argc)
        usage("unknown argument: ", argv[optind]);
    enum mode sends_as = opt.neighbour ? ECHO : opt.mode;
    if (opt.event == NULL)
        opt.event = MODES[sends_as].event;
    if (opt.reply == NULL)
        opt.reply = MODES[sends_as].reply;
    if (opt.busy == 0 || opt.busy > opt.connections)
        opt.busy = opt.connections;
    opt.positions |= opt.mode == RECOVERY;
    check_options();
    if (strcmp(opt.namespace, "/") != 0)
        snprintf(opt.prefix, sizeof opt.prefix, "%s,", opt.namespace);
}
