#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"

#define MOST 20000

static struct peer *peers[MOST]; /* by file descriptor */
static int highest;

struct peer *add_peer(int fd)
{
    if (fd >= MOST)
        return NULL;
    struct peer *p = calloc(1, sizeof *p);
    p->fd = fd;
    p->in = malloc(ROOM);
    p->replies = malloc(ROOM);
    peers[fd] = p;
    highest = fd > highest ? fd : highest;
    return p;
}

void remove_peer(struct peer *p)
{
    peers[p->fd] = NULL;
    close(p->fd);
    free(p->in);
    free(p->replies);
    free(p);
}

void reply(struct peer *p, const char *text, size_t length)
{
    if (p->out + length + LARGEST_HEAD <= ROOM)
        p->out += write_text(p->replies + p->out, text, length);
}

void reply_bytes(struct peer *p, const char *data, size_t length)
{
    memcpy(p->replies + p->out, data, length);
    p->out += length;
}

static void send_to(struct peer *p, const char *data, size_t length)
{
    /* Output for a full buffer is lost, which makes the measurement invalid. */
    if (send(p->fd, data, length, MSG_NOSIGNAL) != (ssize_t)length)
        fprintf(stderr, "floor: a buffer is full\n");
}

void send_replies(struct peer *p)
{
    if (p->out > 0)
        send_to(p, p->replies, p->out);
    p->out = 0;
}

void tell_all(const char *text, size_t length)
{
    static char frame[ROOM];
    size_t size = write_text(frame, text, length);
    for (int i = 0; i <= highest; i++)
        if (peers[i] != NULL && peers[i]->joined)
            send_to(peers[i], frame, size);
}
