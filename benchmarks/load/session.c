#define _GNU_SOURCE
#include "session.h"

#include <string.h>

#include "audience.h"
#include "clock.h"
#include "http.h"
#include "latencies.h"
#include "options.h"
#include "output.h"
#include "returning.h"
#include "traffic.h"
#include "websocket.h"

struct sessions sessions;

/* Mode storm: a connection that is ready is one message. */
static void start_over(struct connection *c)
{
    write_frame(c, CLOSE, NORMAL_CLOSURE, 2);
    hang_up(c);
    c->received++;
    if (traffic.measuring)
        record_latency(&latencies, now() - c->begun);
    if (sessions.storming)
        begin(c);
}

static void on_ready(struct connection *c)
{
    ready++;
    if (opt.mode == STORM && !is_neighbour(c->number))
        start_over(c);
    else
        c->state = READY;
}

/* Rooms and channels are entered by a separate event, whose ack has the id 0. */
static void enter(struct connection *c)
{
    char text[3 * MAX_NAME], *at = put(put(put(text, "42"), opt.prefix), "0[\"");
    if (opt.mode == ROOMS)
        at = put_number(put(at, "enter\",\"r"), (uint64_t)(c->number % opt.rooms));
    else
        at = put(at, "subscribe\",\"bench");
    at = put(at, "\"]");
    c->state = ENTERING;
    write_message(c, text, (size_t)(at - text));
}

static void on_joined(struct connection *c, struct text packet, struct text rest)
{
    if (c->state != JOINING || !take_word(&rest, opt.prefix))
        bad(c, "unexpected connect packet", packet);
    if (opt.mode == ROOMS || opt.mode == CHANNELS)
        enter(c);
    else
        on_ready(c);
    if (opt.mode == RECOVERY)
        on_back(c, packet);
}

/* A packet of Socket.IO 5: 4, then its type. */
static void on_packet(struct connection *c, struct text packet, uint64_t when)
{
    struct text rest = {packet.at + 2, packet.end};
    char type = rest.at <= packet.end ? packet.at[1] : '\0';

    if (type == '0')
        on_joined(c, packet, rest);
    else if (type == '1')
        bad(c, "disconnected by the server", packet);
    else if (type == '4')
        bad(c, "refused by the namespace", packet);
    else if (opt.mode == RECOVERY && type == '2' && c->state >= JOINING)
        on_number(c, packet, rest); /* clients keep what comes before they are told */
    else if (c->state == ENTERING && type == '3')
        on_ready(c);
    else if (c->state == ENTERING && type == '2')
        sessions.other_events++; /* others may be ready, and send */
    else if (c->state != READY)
        bad(c, "a packet before the namespace is connected", packet);
    else if (type == (opt.mode == ACK ? '3' : '2'))
        on_reply(c, packet, rest, when);
    else if (type == '2')
        sessions.other_events++;
    else
        bad(c, "unexpected packet", packet);
}

static void join_namespace(struct connection *c, struct text packet)
{
    char text[MAX_NAME + 3 * MAX_POSITION];
    if (c->state != OPENING)
        bad(c, "a second open packet", packet);
    c->state = JOINING;
    char *end = put_auth(put(put(text, "40"), opt.prefix), c);
    write_message(c, text, (size_t)(end - text));
}

/* Engine.IO 4, "Heartbeat": a pong is the ping with a 3 instead of the 2. */
static void answer_ping(struct connection *c, struct text packet)
{
    char text[MAX_NAME];
    size_t length = length_of(packet);
    if (length > sizeof text)
        bad(c, "a long ping", packet);
    memcpy(text, packet.at, length);
    text[0] = '3';
    sessions.engine_pings++;
    write_message(c, text, length);
}

/* Packets of 0.9 begin with a digit and two colons. */
static void on_old_packet(struct connection *c, struct text packet, uint64_t when)
{
    char text[MAX_NAME + 8], type = packet.at < packet.end ? *packet.at : '\0';
    struct text rest = {packet.at + 3, packet.end};

    if (type == '2') { /* a heartbeat */
        sessions.engine_pings++;
        write_message(c, "2::", 3);
    } else if (type == '1' && c->state == OPENING) {
        c->state = JOINING;
        write_message(c, text, (size_t)(put(put(text, "1::"), opt.namespace) - text));
    } else if (type == '1' && c->state == JOINING) {
        on_ready(c);
    } else if (type == '5' && c->state == READY) {
        on_reply(c, packet, rest, when);
    } else if (type != '8') { /* noop */
        bad(c, "unexpected packet", packet);
    }
}

static void on_message(struct connection *c, struct text packet, uint64_t when)
{
    if (opt.old) {
        on_old_packet(c, packet, when);
        return;
    }
    char type = packet.at < packet.end ? *packet.at : '\0';
    if (opt.mode == RAW)
        on_reply(c, packet, packet, when);
    else if (type == '4' && c->state >= JOINING)
        on_packet(c, packet, when);
    else if (type == '0')
        join_namespace(c, packet);
    else if (type == '2')
        answer_ping(c, packet);
    else if (type == '1')
        bad(c, "closed by the server", packet);
    else if (type != '6') /* noop */
        bad(c, "unexpected Engine.IO packet", packet);
}

/* The session id is the text before the first colon (0.9), or the first JSON string
 * that is a value. */
static void read_sid(struct connection *c, struct text body)
{
    const char *begin = opt.old ? body.at : memmem(body.at, 9, ":\"", 2);
    const char *end = begin ? memchr(begin + 2, opt.old ? ':' : '"',
                                     (size_t)(body.end - begin - 2)) : NULL;
    if (end == NULL || end - begin >= MAX_SID)
        bad(c, "no session id", body);
    begin += opt.old ? 0 : 2;
    memcpy(c->sid, begin, (size_t)(end - begin));
    c->sid[end - begin] = '\0';
    c->state = OPENING;
}

static void on_answer(struct connection *c, struct text body, uint64_t when)
{
    if (c->state == GREETING)
        read_sid(c, body);
    else if (c->posted)
        return;
    while (!opt.old && body.at < body.end) {
        const char *end = memchr(body.at, '\x1e', length_of(body));
        struct text packet = {body.at, end ? end : body.end};
        on_message(c, packet, when);
        body.at = end ? end + 1 : body.end;
    }
}

void on_connected(struct connection *c)
{
    if (opt.polling || opt.old)
        greet(c);
    else
        request_upgrade(c);
}

static void on_upgraded(struct connection *c)
{
    c->state = OPENING;
    if (opt.mode == RAW)
        on_ready(c);
}

void on_input(struct connection *c, uint64_t when)
{
    struct text text;
    if (c->state == GREETING || opt.polling) {
        while (read_answer(c, &text))
            on_answer(c, text, when);
        if (opt.old && c->state == OPENING)
            request_upgrade(c);
        return;
    }
    if (c->state == UPGRADING) {
        if (!read_upgrade(c))
            return;
        on_upgraded(c);
    }
    while (c->state != CONNECTING && read_frame(c, &text))
        if (text.at != NULL)
            on_message(c, text, when);
}
