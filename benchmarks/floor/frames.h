/* WebSocket frames of a server (RFC 6455, section 5), below 64 KiB. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stddef.h>

/* Bytes of the largest frame, of either side, and of all that a buffer holds. */
#define ROOM 65536

/* Bytes before the payload of a frame that a server sends. */
#define LARGEST_HEAD 4

/* Write a text frame at `to`; the result is how many bytes it has. */
size_t write_text(char *to, const char *text, size_t length);

/* A frame of a client. */
struct frame {
    int opcode; /* 1 is text */
    char *data; /* unmasked in place */
    size_t length;
};

/* Read the frame at `at`; how many bytes it has, or 0 when it is not whole. */
size_t read_frame(struct frame *f, char *at, size_t have);

#endif
