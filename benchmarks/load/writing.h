/* What is sent: frames, or what a POST will bring. */
#ifndef BENCH_WRITING_H
#define BENCH_WRITING_H

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

static void ask(struct connection *c);

static void flush(struct connection *c)
{
    /* With one connection, a poll that has nothing to wait for would be in the way. */
    if (opt.polling && !c->asked && c->state > UPGRADING
        && (buffered(&c->pending) > 0 || c->state < READY || c->received < c->sent))
        ask(c);
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
    if (opt.polling) { /* messages only; one body may bring several */
        if (buffered(&c->pending) > 0)
            append(&c->pending, "\x1e", 1);
        append(&c->pending, data, length);
        return;
    }
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

#endif
