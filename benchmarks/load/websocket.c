#include "websocket.h"

#include <stdint.h>
#include <string.h>

#include "failures.h"

#define MAX_MESSAGE (64u << 20)

static uint32_t next_mask(void)
{
    /* xorshift32. Masks protect proxies from data that a page chooses (section 10.3);
     * a benchmark has no such data, so they may be predictable. */
    static uint32_t x = 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/* Section 5.3, eight bytes at a time. */
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

/* Bytes of a frame's length field after the first two: 0, 2 or 8 (section 5.2). */
static int length_bytes(size_t length)
{
    return length < 126 ? 0 : length < 65536 ? 2 : 8;
}

void write_frame(struct connection *c, int opcode, const char *data, size_t length)
{
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

static _Noreturn void on_close(struct connection *c, struct text data)
{
    int code = 1005; /* "no status code was actually present" (section 7.4.1) */
    if (length_of(data) >= 2) {
        code = (unsigned char)data.at[0] << 8 | (unsigned char)data.at[1];
        data.at += 2;
    }
    die("connection %d, %s: WebSocket closed by the server, code %d: %s", c->number,
        state_name(c), code, excerpt(data));
}

/* Fragments (section 5.4) are collected in c->message. */
static struct text on_data(struct connection *c, bool final, bool first, struct text data)
{
    struct text none = {NULL, NULL};
    if (first == c->in_message)
        bad(c, "fragments out of order", data);
    if (first && final)
        return data;
    if (first)
        empty(&c->message);
    append(&c->message, data.at, length_of(data));
    c->in_message = !final;
    if (buffered(&c->message) > MAX_MESSAGE)
        bad(c, "message too long", data);
    return final ? (struct text){c->message.data, c->message.data + c->message.end} : none;
}

static struct text on_frame(struct connection *c, bool final, int opcode, struct text data)
{
    /* Section 5.5: at most 125 bytes, and not fragmented. */
    if (opcode >= CLOSE && (!final || length_of(data) > 125))
        bad(c, "a control frame too long or in fragments", data);
    if (opcode == TEXT || opcode == CONTINUATION)
        return on_data(c, final, opcode == TEXT, data);
    if (opcode == CLOSE)
        on_close(c, data);
    if (opcode == PING)
        write_frame(c, PONG, data.at, length_of(data));
    else if (opcode != PONG)
        bad(c, "a frame that is neither text nor control", data);
    return (struct text){NULL, NULL};
}

bool read_frame(struct connection *c, struct text *message)
{
    size_t have = buffered(&c->in);
    const unsigned char *head = (unsigned char *)c->in.data + c->in.start;
    struct text shown = {(const char *)head, (const char *)head + have};

    if (have < 2)
        return false;
    /* Section 5.1: a server does not mask. Extensions are not offered. */
    if (head[0] & 0x70 || head[1] & 0x80)
        bad(c, "a frame that is masked or uses an extension", shown);
    uint64_t length = head[1] & 0x7f;
    size_t extra = length == 127 ? 8 : length == 126 ? 2 : 0;
    if (have < 2 + extra)
        return false;
    for (size_t i = 0; i < extra; i++)
        length = (i ? length << 8 : 0) | head[2 + i];
    if (length > MAX_MESSAGE)
        bad(c, "frame too long", shown);
    c->expected = 2 + extra + (size_t)length;
    if (have < c->expected)
        return false;
    const char *data = (const char *)head + 2 + extra;
    c->in.start += c->expected;
    c->expected = 0;
    *message = on_frame(c, head[0] & 0x80, head[0] & 0x0f,
                        (struct text){data, data + length});
    return true;
}
