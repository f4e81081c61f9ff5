#include "output.h"

#include "http.h"
#include "options.h"
#include "websocket.h"

void write_message(struct connection *c, const char *data, size_t length)
{
    if (!opt.polling) {
        write_frame(c, TEXT, data, length);
        return;
    }
    /* Between packets (Engine.IO 4, "Packet encoding", "HTTP long-polling"). */
    if (buffered(&c->pending) > 0)
        append(&c->pending, "\x1e", 1);
    append(&c->pending, data, length);
}

void flush(struct connection *c)
{
    /* Poll only for an event that is due: with one connection, an open poll would have
     * to be answered before the next event can be posted. Who is idle posts none. */
    if (opt.polling && !c->asked && c->state > UPGRADING
        && (buffered(&c->pending) > 0 || c->state < READY || c->received < c->sent
            || opt.mode == IDLE))
        ask(c);
    send_waiting(c);
}
