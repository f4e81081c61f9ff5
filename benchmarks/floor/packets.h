/* What the floor answers. It knows a namespace's connect and two events. */
#ifndef BENCH_PACKETS_H
#define BENCH_PACKETS_H

#include <stddef.h>

#include "peers.h"

/* Answer the upgrade once its headers are whole, and send the open packet. */
void on_request(struct peer *p);

/* Answer a packet of Socket.IO 5. */
void on_packet(struct peer *p, const char *text, size_t length);

#endif
