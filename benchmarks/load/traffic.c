#include "traffic.h"

#include "audience.h"
#include "clock.h"
#include "events.h"
#include "failures.h"
#include "latencies.h"
#include "options.h"
#include "output.h"

struct traffic traffic;

static int *deliveries; /* by sender, then by sequence number modulo opt.in_flight */
static char *scratch;   /* one outgoing packet */

void prepare_traffic(void)
{
    make_filler();
    scratch = allocate(largest_event(), 1);
    deliveries = allocate((size_t)opt.in_flight * (size_t)(senders() + 1),
                          sizeof *deliveries);
}

static void send_event(struct connection *c, uint64_t when)
{
    uint64_t sequence = c->sent++;
    char *end = put_event(scratch, c->number, sequence);
    c->sent_at[sequence % (uint64_t)c->window] = when;
    traffic.outstanding += (uint64_t)audience_of(c->number);
    write_message(c, scratch, (size_t)(end - scratch));
}

void start_sending(void)
{
    uint64_t when = now();
    traffic.sending = true;
    for (int i = 0; i < senders(); i++) {
        for (int n = 0; n < connections[i].window; n++)
            send_event(&connections[i], when);
        flush(&connections[i]);
    }
}

/* When all receivers have an event, the next one is sent. */
static void count_delivery(struct connection *sender, uint64_t slot, uint64_t when)
{
    int *count = &deliveries[(uint64_t)sender->number * (uint64_t)opt.in_flight + slot];
    if (++*count < audience_of(sender->number))
        return;
    *count = 0;
    if (traffic.sending) {
        send_event(sender, when);
        flush(sender);
    }
}

void on_reply(struct connection *c, struct text packet, struct text rest, uint64_t when)
{
    struct connection *sender = &connections[sender_of(c->number)];
    if (c->received >= sender->sent)
        bad(c, "a reply to nothing", packet);
    if (!is_due_reply(rest, c->number, c->received))
        bad(c, "wrong reply, or out of order", packet);
    uint64_t slot = c->received++ % (uint64_t)sender->window;
    traffic.outstanding--;
    if (traffic.measuring && !is_greedy(c->number))
        record_latency(is_neighbour(c->number) ? &neighbour_latencies : &latencies,
                       when - sender->sent_at[slot]);
    if (is_for_many())
        count_delivery(sender, slot, when);
    else if (traffic.sending)
        send_event(c, when);
}
