#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "failures.h"

void reserve(struct buffer *b, size_t more)
{
    if (b->start == b->end)
        empty(b);
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

void append(struct buffer *b, const char *data, size_t length)
{
    reserve(b, length);
    memcpy(b->data + b->end, data, length);
    b->end += length;
}

void empty(struct buffer *b)
{
    b->start = b->end = 0;
}
