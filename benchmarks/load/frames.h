/* Frames that come in. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

static void on_close_frame(struct connection *c, struct text data)
{
    int code = 1005; /* "no status received" */
    if (data.end - data.at >= 2) {
        code = (unsigned char)data.at[0] << 8 | (unsigned char)data.at[1];
        data.at += 2;
    }
    die("connection %d, %s: WebSocket closed by the server, code %d: %s", c->number,
        STATE_NAMES[c->state], code, excerpt(data));
}

static void on_data_frame(struct connection *c, bool final, bool first,
                          struct text data, uint64_t when)
{
    if (first == c->in_message)
        bad(c, "fragments out of order", data);
    if (first && final) {
        on_message(c, data, when);
        return;
    }
    append(&c->message, data.at, (size_t)(data.end - data.at));
    c->in_message = !final;
    if (buffered(&c->message) > MAX_MESSAGE)
        bad(c, "message too long", data);
    if (final) {
        struct text whole = {c->message.data + c->message.start,
                             c->message.data + c->message.end};
        on_message(c, whole, when);
        c->message.start = c->message.end = 0;
    }
}

static void on_frame(struct connection *c, bool final, int opcode, struct text data,
                     uint64_t when)
{
    if (opcode >= CLOSE && (!final || data.end - data.at > 125))
        bad(c, "a control frame too long or in pieces", data);
    if (opcode == TEXT || opcode == CONTINUATION)
        on_data_frame(c, final, opcode == TEXT, data, when);
    else if (opcode == CLOSE)
        on_close_frame(c, data);
    else if (opcode == PING)
        write_frame(c, PONG, data.at, (size_t)(data.end - data.at));
    else if (opcode != PONG)
        bad(c, "a frame that is neither text nor control", data);
}

/* Take one frame from the input. False when it has not arrived whole. */
static bool read_frame(struct connection *c, uint64_t when)
{
    size_t have = buffered(&c->in);
    const unsigned char *head = (unsigned char *)c->in.data + c->in.start;
    struct text shown = {(const char *)head, (const char *)head + have};

    if (have < 2)
        return false;
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
    on_frame(c, head[0] & 0x80, head[0] & 0x0f, (struct text){data, data + length},
             when);
    return true;
}

#endif
