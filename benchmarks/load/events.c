#define _GNU_SOURCE
#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "audience.h"
#include "failures.h"
#include "options.h"

static char *filler; /* the part of a payload after its head */

void make_filler(void)
{
    filler = allocate(opt.size, 1);
    for (size_t i = 0; i < opt.size - PAYLOAD_HEAD; i++)
        filler[i] = (char)('a' + i % 26);
}

size_t largest_event(void)
{
    return opt.size + 3 * MAX_NAME;
}

/* A payload has the number of the connection and of the event, and a filler:
 * "0000002a-0000000017-abc...".
 * The digits are written by hand: printf would take much of the time per event. */
static void put_head(char *to, int connection, uint64_t sequence)
{
    static const char HEX[] = "0123456789abcdef";
    for (int i = 7; i >= 0; i--, connection >>= 4)
        to[i] = HEX[connection & 15];
    to[8] = '-';
    for (int i = 18; i >= 9; i--, sequence /= 10)
        to[i] = (char)('0' + sequence % 10);
    to[19] = '-';
}

static char *put_payload(char *to, int connection, uint64_t sequence)
{
    put_head(to, connection, sequence);
    memcpy(to + PAYLOAD_HEAD, filler, opt.size - PAYLOAD_HEAD);
    return to + opt.size;
}

static bool take_payload(struct text *t, int connection, uint64_t sequence)
{
    char head[PAYLOAD_HEAD];
    put_head(head, connection, sequence);
    return take(t, head, PAYLOAD_HEAD) && take(t, filler, opt.size - PAYLOAD_HEAD);
}

/* An event of 0.9: 5::/bench:{"name":"echo","args":["..."]} */
static char *put_old_event(char *at, int connection, uint64_t sequence)
{
    at = put(put(put(at, "5::"), opt.namespace), ":{\"name\":\"");
    at = put(put(at, opt.event), "\",\"args\":[\"");
    return put(put_payload(at, connection, sequence), "\"]}");
}

char *put_event(char *at, int connection, uint64_t sequence)
{
    if (opt.mode == RAW)
        return put_payload(at, connection, sequence);
    if (opt.old)
        return put_old_event(at, connection, sequence);
    at = put(put(at, "42"), opt.prefix);
    if (opt.mode == ACK)
        at = put_number(at, sequence);
    at = put(put(put(at, "[\""), opt.event), "\",\"");
    if (opt.mode == ROOMS)
        at = put(put_number(put(at, "r"), (uint64_t)connection), "\",\"");
    return put(put_payload(at, connection, sequence), "\"]");
}

/* The keys of a JSON object come in any order, so name and arguments are searched for. */
static bool is_due_old_reply(struct text t, int connection, uint64_t sequence)
{
    const char *args = memmem(t.at, length_of(t), "\"args\":", 7);
    const char *name = memmem(t.at, length_of(t), opt.reply, strlen(opt.reply));
    if (args == NULL || name == NULL)
        return false;
    struct text rest = {args + 7, t.end};
    return take_json(&rest, "[") && take_json(&rest, "\"")
        && take_payload(&rest, sender_of(connection), sequence);
}

/* A position is a further argument, of which clients know nothing but that it is text. */
static bool take_position(struct text *t, struct text *position)
{
    if (!opt.positions)
        return true;
    if (!take_json(t, ",") || !take_json(t, "\""))
        return false;
    const char *end = memchr(t->at, '"', length_of(*t));
    if (end == NULL)
        return false;
    *position = (struct text){t->at, end};
    t->at = end + 1;
    return true;
}

bool read_number(struct text t, uint64_t *sequence, struct text *position)
{
    if (!take_word(&t, opt.prefix) || !take_json(&t, "[") || !take_json(&t, "\"")
        || !take_word(&t, opt.reply) || !take_word(&t, "\"") || !take_json(&t, ",")
        || !take_json(&t, "\"") || length_of(t) < opt.size)
        return false;
    *sequence = strtoull(t.at + 9, NULL, 10);
    return take_payload(&t, 0, *sequence) && take_word(&t, "\"")
        && take_position(&t, position) && take_json(&t, "]") && t.at == t.end;
}

bool is_due_reply(struct text t, int connection, uint64_t sequence)
{
    char number[21];
    struct text position;
    if (opt.mode == RAW)
        return take_payload(&t, connection, sequence) && t.at == t.end;
    if (opt.old)
        return is_due_old_reply(t, connection, sequence);
    if (!take_word(&t, opt.prefix))
        return false;
    if (opt.mode == ACK) {
        *put_number(number, sequence) = '\0';
        if (!take_word(&t, number) || !take_json(&t, "["))
            return false;
    } else if (!take_json(&t, "[") || !take_json(&t, "\"") || !take_word(&t, opt.reply)
               || !take_word(&t, "\"") || !take_json(&t, ",")) {
        return false;
    }
    return take_json(&t, "\"") && take_payload(&t, sender_of(connection), sequence)
        && take_word(&t, "\"") && (opt.mode == ACK || take_position(&t, &position))
        && take_json(&t, "]") && t.at == t.end;
}
