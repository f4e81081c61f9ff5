#include "audience.h"

#include "options.h"

int senders(void)
{
    switch (opt.mode) {
    case IDLE: return 0;
    case STORM: return opt.neighbour ? 1 : 0;
    case FANOUT:
    case CHANNELS:
    case RECOVERY: return 1;
    case ROOMS: return opt.rooms;
    default: return opt.busy;
    }
}

bool is_greedy(int number)
{
    return number >= senders() - opt.greedy && number < senders();
}

bool is_neighbour(int number)
{
    return opt.neighbour && number == 0;
}

int sender_of(int number)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return 0;
    return opt.mode == ROOMS ? number % opt.rooms : number;
}

int audience_of(int number)
{
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return opt.connections;
    if (opt.mode != ROOMS)
        return 1;
    /* The members of its room, without itself. */
    return (opt.connections - number + opt.rooms - 1) / opt.rooms - 1;
}

bool is_for_many(void)
{
    return opt.mode == FANOUT || opt.mode == CHANNELS || opt.mode == ROOMS;
}
