/* Events that are sent, and whether what comes is the reply that is due. */
#ifndef BENCH_PAYLOADS_H
#define BENCH_PAYLOADS_H

/* A payload says whose it is and which, then is filled up: "0000002a-0000000017-abc…".
 * The digits are written by hand: printf would be a good part of the time per event. */
#define PAYLOAD_HEAD 20

static void payload_head(char *to, int connection, uint64_t sequence)
{
    static const char HEX[] = "0123456789abcdef";
    for (int i = 7; i >= 0; i--, connection >>= 4)
        to[i] = HEX[connection & 15];
    to[8] = '-';
    for (int i = 18; i >= 9; i--, sequence /= 10)
        to[i] = (char)('0' + sequence % 10);
    to[19] = '-';
}

static void make_filler(void)
{
    filler = allocate(opt.size, 1);
    for (size_t i = 0; i < opt.size - PAYLOAD_HEAD; i++)
        filler[i] = (char)('a' + i % 26);
}

static char *put(char *to, const char *text)
{
    return stpcpy(to, text);
}

static char *put_number(char *to, uint64_t number)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *put_payload(char *to, int connection, uint64_t sequence)
{
    payload_head(to, connection, sequence);
    memcpy(to + PAYLOAD_HEAD, filler, opt.size - PAYLOAD_HEAD);
    return to + opt.size;
}

/* One event for many: the connection that sends what `c` receives. */
static struct connection *sender_of(struct connection *c)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return &connections[0];
    return opt.mode == ROOMS ? &connections[c->number % opt.rooms] : c;
}

/* How many receive an event of this connection. */
static int audience(struct connection *sender)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return opt.connections;
    if (opt.mode != ROOMS)
        return 1;
    return (opt.connections - sender->number + opt.rooms - 1) / opt.rooms - 1;
}

/* An event of 0.9: 5::/bench:{"name":"echo","args":["…"]} */
static char *put_old_event(char *at, struct connection *c, uint64_t sequence)
{
    at = put(put(put(at, "5::"), opt.namespace), ":{\"name\":\"");
    at = put(put(at, opt.event), "\",\"args\":[\"");
    return put(put_payload(at, c->number, sequence), "\"]}");
}

static char *put_event(char *at, struct connection *c, uint64_t sequence)
{
    if (opt.old)
        return put_old_event(at, c, sequence);
    at = put(put(at, "42"), prefix);
    if (opt.mode == ACK)
        at = put_number(at, sequence);
    at = put(put(put(at, "[\""), opt.event), "\",\"");
    if (opt.mode == ROOMS)
        at = put(put_number(put(at, "r"), (uint64_t)c->number), "\",\"");
    return put(put_payload(at, c->number, sequence), "\"]");
}

static void send_event(struct connection *c, uint64_t when)
{
    uint64_t sequence = c->sent++;
    char *at = opt.mode == RAW ? put_payload(scratch, c->number, sequence)
                               : put_event(scratch, c, sequence);
    c->sent_at[sequence % (uint64_t)c->window] = when;
    outstanding += (uint64_t)audience(c);
    write_frame(c, TEXT, scratch, (size_t)(at - scratch));
}

struct text {
    const char *at;
    const char *end;
};

/* The start of a server's text, printable and short, for an error line. */
static const char *excerpt(struct text t)
{
    static char line[128];
    size_t n = (size_t)(t.end - t.at), i;
    for (i = 0; i < n && i < sizeof line - 4; i++)
        line[i] = t.at[i] >= ' ' && t.at[i] <= '~' ? t.at[i] : '.';
    strcpy(line + i, i < n ? "..." : "");
    return line;
}

static void bad(struct connection *c, const char *what, struct text t)
{
    die("connection %d, %s: %s: %s", c->number, STATE_NAMES[c->state], what,
        excerpt(t));
}

static bool take(struct text *t, const char *expected, size_t length)
{
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, expected, length) != 0)
        return false;
    t->at += length;
    return true;
}

static bool take_word(struct text *t, const char *expected)
{
    return take(t, expected, strlen(expected));
}

/* A token of JSON with the white space that may stand before it. */
static bool take_json(struct text *t, const char *expected)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n'))
        t->at++;
    return take_word(t, expected);
}

static bool take_payload(struct text *t, int connection, uint64_t sequence)
{
    char head[PAYLOAD_HEAD];
    payload_head(head, connection, sequence);
    return take(t, head, PAYLOAD_HEAD) && take(t, filler, opt.size - PAYLOAD_HEAD);
}

/* Keys of JSON come in any order: what matters are the name and the arguments. */
static bool is_due_old_reply(struct connection *c, struct text t)
{
    const char *args = memmem(t.at, (size_t)(t.end - t.at), "\"args\":", 7);
    const char *name = memmem(t.at, (size_t)(t.end - t.at), opt.reply,
                              strlen(opt.reply));
    if (args == NULL || name == NULL)
        return false;
    struct text rest = {args + 7, t.end};
    return take_json(&rest, "[") && take_json(&rest, "\"")
        && take_payload(&rest, sender_of(c)->number, c->received);
}

/* Whether the packet, after its two type digits, is the reply due on it. */
static bool is_due_reply(struct connection *c, struct text t)
{
    char number[21];
    if (opt.mode == RAW)
        return take_payload(&t, c->number, c->received) && t.at == t.end;
    if (opt.old)
        return is_due_old_reply(c, t);
    if (!take_word(&t, prefix))
        return false;
    if (opt.mode == ACK) {
        *put_number(number, c->received) = '\0';
        if (!take_word(&t, number) || !take_json(&t, "["))
            return false;
    } else if (!take_json(&t, "[") || !take_json(&t, "\"") || !take_word(&t, opt.reply)
               || !take_word(&t, "\"") || !take_json(&t, ",")) {
        return false;
    }
    int sender = sender_of(c)->number;
    return take_json(&t, "\"") && take_payload(&t, sender, c->received)
        && take_word(&t, "\"") && take_json(&t, "]") && t.at == t.end;
}

#endif
