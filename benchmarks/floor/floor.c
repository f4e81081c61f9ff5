/*
 * The cost of the system calls alone: a server with just enough of RFC 6455,
 * Engine.IO 4 and Socket.IO 5 to be measured by load/load.c beside complete ones.
 *
 * One thread and one epoll loop. It does the calls that a server has to do: a recv for
 * what has come, and a send for each connection that something goes to, replies to one
 * batch of input in one. What goes to many is encoded once. It checks nothing.
 *
 *     cc -O2 -flto -o floor *.c
 *     ./floor 8080
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "packets.h"
#include "peers.h"

static void on_frames(struct peer *p)
{
    struct frame frame;
    size_t at = 0, used;
    while ((used = read_frame(&frame, p->in + at, p->have - at)) > 0) {
        if (frame.opcode == 1)
            on_packet(p, frame.data, frame.length);
        at += used;
    }
    p->have -= at;
    memmove(p->in, p->in + at, p->have);
}

static void on_readable(struct peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->have, ROOM - p->have - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        remove_peer(p);
        return;
    }
    p->have += (size_t)n;
    if (!p->upgraded)
        on_request(p);
    if (p->upgraded)
        on_frames(p);
    send_replies(p);
}

static void welcome(int listener, int epoll)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = add_peer(fd)};
    if (event.data.ptr == NULL) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0
        || listen(listener, 511) < 0) {
        perror("floor");
        exit(1);
    }
    return listener;
}

static void allow_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int listener = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 8080));
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    allow_descriptors();
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event); /* its data.ptr is NULL */
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
