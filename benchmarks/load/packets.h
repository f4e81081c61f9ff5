/* What a packet of the server leads to. */
#ifndef BENCH_PACKETS_H
#define BENCH_PACKETS_H

/* An event that all have whom it is for makes room for the next one. */
static void count_delivery(struct connection *sender, uint64_t slot, uint64_t when)
{
    int *count = &deliveries[(uint64_t)sender->number * (uint64_t)opt.in_flight + slot];
    if (++*count < audience(sender))
        return;
    *count = 0;
    if (sending) {
        send_event(sender, when);
        flush(sender);
    }
}

static bool is_greedy(struct connection *c)
{
    return c->window != opt.in_flight;
}

static void on_reply(struct connection *c, struct text packet, struct text rest,
                     uint64_t when)
{
    struct connection *sender = sender_of(c);
    if (c->received >= sender->sent)
        bad(c, "a reply to nothing", packet);
    if (!is_due_reply(c, rest))
        bad(c, "wrong reply, or out of order", packet);
    uint64_t slot = c->received++ % (uint64_t)sender->window;
    outstanding--;
    if (measuring && !is_greedy(c))
        record(when - sender->sent_at[slot]);
    if (sender != c || opt.mode == FANOUT || opt.mode == CHANNELS)
        count_delivery(sender, slot, when);
    else if (sending)
        send_event(c, when);
}

static void begin(struct connection *c);

/* Storm: a connection that is ready has done what it was for. */
static void start_over(struct connection *c)
{
    write_frame(c, CLOSE, "\x03\xe8", 2); /* 1000, normal */
    send(c->fd, c->out.data + c->out.start, buffered(&c->out), MSG_NOSIGNAL);
    close(c->fd);
    c->received++;
    if (measuring)
        record(now() - c->begun);
    c->in.start = c->in.end = c->out.start = c->out.end = 0;
    c->state = CONNECTING;
    if (storming)
        begin(c);
}

static void is_ready(struct connection *c)
{
    ready++;
    if (opt.mode == STORM)
        start_over(c);
    else
        c->state = READY;
}

/* Rooms and channels are entered by an event of their own, whose ack has the id 0. */
static void enter(struct connection *c)
{
    char text[3 * MAX_NAME], *at = put(put(put(text, "42"), prefix), "0[\"");
    if (opt.mode == ROOMS)
        at = put_number(put(at, "enter\",\"r"), (uint64_t)(c->number % opt.rooms));
    else
        at = put(at, "subscribe\",\"bench");
    at = put(at, "\"]");
    c->state = ENTERING;
    write_frame(c, TEXT, text, (size_t)(at - text));
}

static void on_joined(struct connection *c, struct text packet, struct text rest)
{
    if (c->state != JOINING || !take_word(&rest, prefix))
        bad(c, "unexpected connect packet", packet);
    if (opt.mode == ROOMS || opt.mode == CHANNELS)
        enter(c);
    else
        is_ready(c);
}

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
    else if (c->state == ENTERING && type == '3')
        is_ready(c);
    else if (c->state == ENTERING && type == '2')
        other_events++; /* the first who entered may send already */
    else if (c->state != READY)
        bad(c, "a packet before the namespace is connected", packet);
    else if (type == (opt.mode == ACK ? '3' : '2'))
        on_reply(c, packet, rest, when);
    else if (type == '2')
        other_events++;
    else
        bad(c, "unexpected packet", packet);
}

static void join_namespace(struct connection *c, struct text packet)
{
    char text[MAX_NAME + 8];
    if (c->state != OPENING)
        bad(c, "a second open packet", packet);
    c->state = JOINING;
    write_frame(c, TEXT, text, (size_t)(put(put(text, "40"), prefix) - text));
}

/* The server asks whether the client is alive; what follows the 2 is given back. */
static void answer_ping(struct connection *c, struct text packet)
{
    char text[MAX_NAME];
    size_t length = (size_t)(packet.end - packet.at);
    if (length > sizeof text)
        bad(c, "a long ping", packet);
    memcpy(text, packet.at, length);
    text[0] = '3';
    engine_pings++;
    write_frame(c, TEXT, text, length);
}

/* Packets of 0.9 begin with a digit and two colons. */
static void on_old_packet(struct connection *c, struct text packet, uint64_t when)
{
    char text[MAX_NAME + 8], type = packet.at < packet.end ? *packet.at : '\0';
    struct text rest = {packet.at + 3, packet.end};

    if (type == '2') { /* it asks whether this lives */
        engine_pings++;
        write_frame(c, TEXT, "2::", 3);
    } else if (type == '1' && c->state == OPENING) {
        c->state = JOINING;
        write_frame(c, TEXT, text,
                    (size_t)(put(put(text, "1::"), opt.namespace) - text));
    } else if (type == '1' && c->state == JOINING) {
        is_ready(c);
    } else if (type == '5' && c->state == READY) {
        on_reply(c, packet, rest, when);
    } else if (type != '8') {
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

#endif
