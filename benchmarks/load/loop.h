/* The event loop. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

static void on_connected(struct connection *c)
{
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0)
        die("connection %d: %s", c->number, strerror(error));
    if (opt.polling || opt.old)
        greet(c);
    else
        request_upgrade(c);
}

static void handle_input(struct connection *c, uint64_t when)
{
    struct text body;
    if (c->state == GREETING || opt.polling) {
        while (read_answer(c, &body))
            on_answer(c, body, when);
        if (opt.old && c->state == OPENING)
            request_upgrade(c);
        return;
    }
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

#endif
