#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "connection.h"
#include "failures.h"
#include "options.h"
#include "output.h"
#include "returning.h"
#include "session.h"

static int open_target; /* how many connections to have begun by now */

static void check_connected(struct connection *c)
{
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0)
        die("connection %d: %s", c->number, strerror(error));
    on_connected(c);
}

/* One read per event: a connection with much input must not keep others waiting. */
static void on_readable(struct connection *c)
{
    size_t room = READ_ROOM / 2;
    if (c->expected > buffered(&c->in) + room)
        room = c->expected - buffered(&c->in);
    reserve(&c->in, room);
    ssize_t n = recv(c->fd, c->in.data + c->in.end, c->in.room - c->in.end, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && opt.mode == RECOVERY) {
        lose(c);
        return;
    }
    if (n <= 0)
        die("connection %d, %s: %s", c->number, state_name(c),
            n < 0 ? strerror(errno) : "closed by the server without a close frame");
    c->in.end += (size_t)n;
    on_input(c, now());
}

static void on_event(struct epoll_event *event)
{
    struct connection *c = event->data.ptr;
    if (c->state == CONNECTING)
        check_connected(c);
    else if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(c);
    if (c->state != CONNECTING) /* in mode storm it may have been opened again */
        flush(c);
}

void run(uint64_t deadline, bool (*done)(void))
{
    struct epoll_event events[256];
    uint64_t t;

    while (!(done && done()) && (t = now()) < deadline) {
        open_more(open_target);
        int wait = (int)((deadline - t + MILLISECOND - 1) / MILLISECOND);
        int n = wait_for_events(events, 256, wait);
        for (int i = 0; i < n; i++)
            on_event(&events[i]);
    }
}

static bool all_ready(void)
{
    return ready == open_target;
}

void open_up_to(int target, uint64_t deadline)
{
    open_target = target;
    run(deadline, all_ready);
    if (ready < target) {
        const struct connection *late = first_late(target);
        die("%d of %d connections open after %g s; connection %d is %s", ready,
            opt.connections, opt.patience, late->number, state_name(late));
    }
}
