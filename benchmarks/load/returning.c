#define _GNU_SOURCE
#include "returning.h"

#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "events.h"
#include "latencies.h"

struct returns returns;

void lose(struct connection *c)
{
    if (c->lost_at != 0)
        bad(c, "lost again", (struct text){c->in.data, c->in.data});
    c->lost_at = now();
    returns.lost++;
    give_up(c);
}

char *put_auth(char *at, const struct connection *c)
{
    if (c->pid[0] == '\0')
        return at;
    at = put(put(put(at, "{\"pid\":\""), c->pid), "\"");
    if (c->position[0] != '\0')
        at = put(put(put(at, ",\"offset\":\""), c->position), "\"");
    return put(at, "}");
}

static void keep(char *to, struct connection *c, struct text text)
{
    if (length_of(text) >= MAX_POSITION)
        bad(c, "too long", text);
    memcpy(to, text.at, length_of(text));
    to[length_of(text)] = '\0';
}

static void check_caught_up(struct connection *c)
{
    if (!c->behind || c->received < c->due)
        return;
    c->behind = false;
    returns.caught_up++;
    returns.last_caught_up = now();
    record_latency(&latencies, returns.last_caught_up - c->lost_at);
}

void on_back(struct connection *c, struct text packet)
{
    static const char PID[] = "\"pid\":\"";
    const char *begin = memmem(packet.at, length_of(packet), PID, strlen(PID));
    const char *end = begin == NULL ? NULL : memchr(begin + strlen(PID), '"',
        (size_t)(packet.end - begin) - strlen(PID));
    if (end == NULL)
        bad(c, "no recovery in this namespace", packet);
    struct text pid = {begin + strlen(PID), end};
    bool same = length_of(pid) == strlen(c->pid)
        && memcmp(pid.at, c->pid, length_of(pid)) == 0;
    keep(c->pid, c, pid);
    if (c->lost_at == 0)
        return; /* the first time */
    returns.last_back = now();
    if (same) {
        returns.recovered++;
        c->behind = true;
        c->due = returns.sent;
        check_caught_up(c);
    } else {
        returns.as_new++;
        c->is_new = true;
    }
}

void on_number(struct connection *c, struct text packet, struct text rest)
{
    uint64_t sequence;
    struct text position;
    if (!read_number(rest, &sequence, &position))
        bad(c, "another event", packet);
    if (c->is_new && sequence > c->received) {
        returns.missing += sequence - c->received;
        c->received = sequence;
    }
    c->is_new = false;
    returns.received++;
    if (sequence < c->received) {
        returns.wrong++;
        return;
    }
    returns.wrong += sequence - c->received;
    c->received = sequence + 1;
    keep(c->position, c, position);
    check_caught_up(c);
}
