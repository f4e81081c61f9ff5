/*
 * A load generator for Socket.IO servers, Socket.IO 5 over Engine.IO 4 on WebSockets or
 * long-polling, or Socket.IO 0.9 on WebSockets, and for servers of plain WebSockets.
 *
 * One thread and one epoll loop, so that it needs less processor than any server it
 * measures; it reports its own share as load_cpu_percent, and a figure taken while that
 * is high says more about this program than about the server.
 *
 *     cc -O2 -flto -o load *.c
 *     ./load --port 8080 --path /socketio/ --pid 4242
 *
 * Modes:
 *     echo    each connection keeps W events in flight; the server answers each with an
 *             event of another name and the same payload
 *     ack     the same, answered by the acknowledgement of the event
 *     fanout  one of the connections sends, the server sends it on to all of them; an
 *             event is in flight until the last connection has it
 *     rooms   as fanout, in rooms that the connections enter first: one of each sends,
 *             all of its room but itself receive
 *     channels  as fanout, by a channel that all subscribe to first
 *     raw     as echo, without Socket.IO: text messages that come back as they are
 *     idle    the connections are open, and answer pings; those over long-polling have a
 *             poll that waits
 *     storm   connections open, enter the namespace and close, again and again; a message
 *             is one that did. With --neighbour, the first connection stays open instead,
 *             and keeps W events in flight as mode echo does
 *     recovery  one connection sends events at a rate, and all receive them, which have
 *             connection state recovery; then a server is killed, or the connections are
 *             cut, and all but the sender come back at the other server. It measures how
 *             long it takes until the last of them has what it missed
 *
 * Every reply is compared byte for byte with what must come next on its connection. The
 * result is one JSON object on stdout. Exit status: 0, 1 when a connection failed or a
 * reply was wrong or missing (one line on stderr says which), 2 for wrong options.
 *
 * The modules, from the bottom; each includes only those above it in this list:
 *     failures clock text buffer   what needs no other
 *     options                      the command line
 *     audience                     who sends, who receives
 *     connection                   TCP connections and epoll
 *     websocket http output        the wire
 *     events latencies traffic     what is exchanged, and how long it takes
 *     returning                    clients that come back, and what they missed
 *     session                      what a packet leads to
 *     loop process measuring recovery   running it all
 */
#include "connection.h"
#include "failures.h"
#include "measuring.h"
#include "options.h"
#include "process.h"
#include "recovery.h"
#include "traffic.h"

int main(int argc, char **argv)
{
    read_options(argc, argv);
    allow_descriptors();
    prepare_traffic();
    make_connections();
    if (opt.mode == RECOVERY)
        measure_recovery();
    else if (measure() == 0 && opt.mode != IDLE)
        die("not one reply in the measurement");
    say_goodbye();
    return 0;
}
