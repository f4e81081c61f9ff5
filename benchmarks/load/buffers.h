/* Bytes on their way in or out. */
#ifndef BENCH_BUFFERS_H
#define BENCH_BUFFERS_H

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

#endif
