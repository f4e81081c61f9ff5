/* A queue of bytes: they are appended behind the end and used from the start. */
#ifndef BENCH_BUFFER_H
#define BENCH_BUFFER_H

#include <stddef.h>

/* Bytes of a new buffer. */
#define READ_ROOM 16384

/* All zero is an empty buffer. */
struct buffer {
    char *data;
    size_t start; /* the bytes before are used */
    size_t end;
    size_t room;
};

static inline size_t buffered(const struct buffer *b)
{
    return b->end - b->start;
}

/* Make room for `more` bytes behind the end. Moves the bytes. */
void reserve(struct buffer *b, size_t more);

void append(struct buffer *b, const char *data, size_t length);

/* Forget all bytes, keep the memory. */
void empty(struct buffer *b);

#endif
