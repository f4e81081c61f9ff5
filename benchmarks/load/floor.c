/*
 * What the system calls alone cost: a server that speaks just enough of RFC 6455,
 * Engine.IO 4 and Socket.IO 5 to be measured by load.c, beside those that do more.
 *
 * One thread and one epoll loop. It does the calls that a server has to do: a recv for
 * what has come, and a send for each connection that something goes to, replies to one
 * batch of input in one. What goes to many is written once. It checks nothing.
 *
 *     cc -O2 -o floor floor.c
 *     ./floor 8080
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 20000
#define ROOM 65536

/* The answer to the key that load.c sends, the example of RFC 6455, section 1.3. */
static const char UPGRADED[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char OPEN[] =
    "0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":25000,"
    "\"pingTimeout\":20000,\"maxPayload\":1000000}";

struct peer {
    int fd;
    bool upgraded;
    bool joined;
    size_t have; /* bytes of `in` that are no whole frame yet */
    char *in;
    size_t out; /* bytes of `replies` to send */
    char *replies;
};

static struct peer *peers[MOST];
static int highest;

static size_t frame(char *to, const char *text, size_t length)
{
    size_t head = 2;
    to[0] = (char)0x81;
    if (length < 126) {
        to[1] = (char)length;
    } else {
        to[1] = 126;
        to[2] = (char)(length >> 8);
        to[3] = (char)length;
        head = 4;
    }
    memcpy(to + head, text, length);
    return head + length;
}

static void reply(struct peer *p, const char *text, size_t length)
{
    if (p->out + length + 4 <= ROOM)
        p->out += frame(p->replies + p->out, text, length);
}

static void send_to(struct peer *p, const char *data, size_t length)
{
    /* What a full buffer does not take is lost: then this measures nothing. */
    if (send(p->fd, data, length, MSG_NOSIGNAL) != (ssize_t)length)
        fprintf(stderr, "floor: a buffer is full\n");
}

/* `42/bench,["shout","…"]` goes to all as `42/bench,["heard","…"]`. */
static void tell_all(const char *text, size_t length)
{
    static char told[ROOM], packet[ROOM];
    const char *rest = strchr(text, ',') + sizeof ",[\"shout" - 1;
    size_t prefix = (size_t)(strchr(text, ',') - text) + 3;
    memcpy(packet, text, prefix);
    memcpy(packet + prefix, "heard", 5);
    memcpy(packet + prefix + 5, rest, length - (size_t)(rest - text));
    size_t size = frame(told, packet, prefix + 5 + length - (size_t)(rest - text));
    for (int i = 0; i <= highest; i++)
        if (peers[i] != NULL && peers[i]->joined)
            send_to(peers[i], told, size);
}

static void on_text(struct peer *p, char *text, size_t length)
{
    static char packet[ROOM];
    char *event = memchr(text, '[', length);
    if (length >= 2 && text[0] == '4' && text[1] == '0') {
        memcpy(packet, text, length);
        memcpy(packet + length, "{\"sid\":\"floor\"}", 15);
        p->joined = true;
        reply(p, packet, length + 15);
    } else if (event != NULL && strncmp(event, "[\"shout\"", 8) == 0) {
        tell_all(text, length);
    } else if (event != NULL && strncmp(event, "[\"echo\"", 7) == 0) {
        size_t before = (size_t)(event - text) + 6;
        memcpy(packet, text, before);
        memcpy(packet + before, "ed", 2);
        memcpy(packet + before + 2, text + before, length - before);
        reply(p, packet, length + 2);
    }
}

/* Take one frame from the input; how many bytes it had, 0 when it is not whole. */
static size_t take_frame(struct peer *p, char *at, size_t have)
{
    size_t length = have > 1 ? (unsigned char)at[1] & 127 : 0, head = 6;
    if (have < 8)
        return have >= 6 && length == 0 ? 6 : 0;
    if (length == 126) {
        length = (size_t)(unsigned char)at[2] << 8 | (unsigned char)at[3];
        head = 8;
    }
    if (have < head + length)
        return 0;
    char *mask = at + head - 4, *text = at + head, after = text[length];
    for (size_t i = 0; i < length; i++)
        text[i] ^= mask[i & 3];
    text[length] = '\0';
    if ((at[0] & 15) == 1)
        on_text(p, text, length);
    text[length] = after;
    return head + length;
}

static void upgrade(struct peer *p)
{
    p->in[p->have] = '\0';
    char *end = strstr(p->in, "\r\n\r\n");
    if (end == NULL)
        return;
    size_t used = (size_t)(end - p->in) + 4;
    p->have -= used;
    memmove(p->in, p->in + used, p->have);
    p->upgraded = true;
    memcpy(p->replies, UPGRADED, sizeof UPGRADED - 1);
    p->out = sizeof UPGRADED - 1;
    reply(p, OPEN, sizeof OPEN - 1);
}

static void leave(struct peer *p)
{
    peers[p->fd] = NULL;
    close(p->fd);
    free(p->in);
    free(p->replies);
    free(p);
}

static void on_readable(struct peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->have, ROOM - p->have - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        leave(p);
        return;
    }
    p->have += (size_t)n;
    if (!p->upgraded) {
        upgrade(p);
    }
    size_t at = 0, used;
    while (p->upgraded && (used = take_frame(p, p->in + at, p->have - at)) > 0)
        at += used;
    p->have -= at;
    memmove(p->in, p->in + at, p->have);
    if (p->out > 0)
        send_to(p, p->replies, p->out);
    p->out = 0;
}

static void welcome(int listener, int epoll)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0 || fd >= MOST)
        return;
    struct peer *p = calloc(1, sizeof *p);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    p->fd = fd;
    p->in = malloc(ROOM);
    p->replies = malloc(ROOM);
    peers[fd] = p;
    highest = fd > highest ? fd : highest;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[256], event = {.events = EPOLLIN};
    struct rlimit limit;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    here.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8080));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0
        || listen(listener, 511) < 0) {
        perror("floor");
        return 1;
    }
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event); /* data.ptr is NULL */
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                welcome(listener, epoll);
            else
                on_readable(events[i].data.ptr);
        }
    }
}
