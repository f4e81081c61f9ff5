#include "frames.h"

#include <string.h>

size_t write_text(char *to, const char *text, size_t length)
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

size_t read_frame(struct frame *f, char *at, size_t have)
{
    /* Two bytes, perhaps two of a length, and the four of the mask. */
    if (have < 6)
        return 0;
    size_t length = (unsigned char)at[1] & 127, head = 6;
    if (length == 126) {
        if (have < 8)
            return 0;
        length = (size_t)(unsigned char)at[2] << 8 | (unsigned char)at[3];
        head = 8;
    }
    if (have < head + length)
        return 0;
    const char *mask = at + head - 4;
    *f = (struct frame){at[0] & 15, at + head, length};
    for (size_t i = 0; i < length; i++)
        f->data[i] ^= mask[i & 3];
    return head + length;
}
