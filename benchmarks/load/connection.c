#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audience.h"
#include "clock.h"
#include "failures.h"
#include "options.h"

/* Below the listen backlog of every server measured, so that no SYN is dropped and
 * retried a second later. */
#define HANDSHAKES_AT_ONCE 32

/* Events that a greedy connection may have unanswered. */
#define GREEDY_WINDOW 2000

struct connection *connections;
int ready;

static int epoll_fd;
static int opened; /* connections that were begun: the first ones in this order */
static struct connection **order;

static const char *const STATE_NAMES[] = {
    [CONNECTING] = "connecting",
    [GREETING] = "asking for a session",
    [UPGRADING] = "upgrading to WebSocket",
    [OPENING] = "waiting for the open packet",
    [JOINING] = "connecting the namespace",
    [ENTERING] = "entering a room or channel",
    [READY] = "exchanging events",
};

void make_connections(void)
{
    connections = allocate((size_t)opt.connections, sizeof *connections);
    order = allocate((size_t)opt.connections, sizeof *order);
    for (int i = 0; i < opt.connections; i++) {
        connections[i].number = connections[i].place = i;
        order[i] = &connections[i];
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1: %s", strerror(errno));
}

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

void begin(struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port)};
    int on = 1;

    if (c->elsewhere)
        to.sin_port = htons((uint16_t)opt.other_port);
    inet_pton(AF_INET, opt.host, &to.sin_addr); /* checked with the options */
    c->state = CONNECTING;
    c->window = is_greedy(c->number) ? GREEDY_WINDOW : opt.in_flight;
    if (c->number < senders() && c->sent_at == NULL)
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

void open_more(int target)
{
    while (opened < target && opened - ready < HANDSHAKES_AT_ONCE)
        begin(order[opened++]);
}

const struct connection *first_late(int target)
{
    for (int i = 0; i < target; i++)
        if (connections[i].state != READY)
            return &connections[i];
    return &connections[target - 1];
}

int wait_for_events(struct epoll_event *events, int most, int milliseconds)
{
    int n = epoll_wait(epoll_fd, events, most, milliseconds);
    if (n < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    return n < 0 ? 0 : n;
}

void send_waiting(struct connection *c)
{
    while (buffered(&c->out) > 0) {
        ssize_t n = send(c->fd, c->out.data + c->out.start, buffered(&c->out),
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0 && opt.mode == RECOVERY) {
            empty(&c->out); /* reading it will tell that it has ended */
            break;
        }
        if (n < 0)
            die("connection %d, %s: %s", c->number, state_name(c), strerror(errno));
        c->out.start += (size_t)n;
    }
    want_write(c, buffered(&c->out) > 0);
}

void hang_up(struct connection *c)
{
    send(c->fd, c->out.data + c->out.start, buffered(&c->out), MSG_NOSIGNAL);
    close(c->fd);
    empty(&c->in);
    empty(&c->out);
    c->state = CONNECTING;
}

void give_up(struct connection *c)
{
    ready -= c->state == READY;
    hang_up(c);
    empty(&c->message);
    c->in_message = false;
    c->expected = 0;
    c->elsewhere = true;
    struct connection *last = order[--opened];
    order[last->place = c->place] = last;
    order[c->place = opened] = c;
}

const char *state_name(const struct connection *c)
{
    return STATE_NAMES[c->state];
}

_Noreturn void bad(const struct connection *c, const char *what, struct text t)
{
    die("connection %d, %s: %s: %s", c->number, state_name(c), what, excerpt(t));
}
