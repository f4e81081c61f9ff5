#define _GNU_SOURCE
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "options.h"

#define MAX_HTTP_HEAD 16384

/* The handshake's key is fixed, so its answer is too and no SHA-1 is needed here. This
 * pair is the example of RFC 6455, section 1.3. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void request(struct connection *c, const char *method, const char *query,
                    const char *body, size_t length)
{
    char head[1024 + MAX_HEADERS];
    int size = snprintf(head, sizeof head,
        "%s %s%s%s HTTP/1.1\r\n"
        "Host: %s:%d\r\n"
        "%s"
        "Content-Type: text/plain;charset=UTF-8\r\n"
        "Content-Length: %zu\r\n\r\n", method, opt.path, query,
        opt.polling ? c->sid : "", opt.host, opt.port, opt.headers, length);
    append(&c->out, head, (size_t)size);
    append(&c->out, body, length);
    c->asked = true;
}

void greet(struct connection *c)
{
    c->state = GREETING;
    c->sid[0] = '\0';
    request(c, "GET", opt.old ? "1/" : "?EIO=4&transport=polling", "", 0);
}

void ask(struct connection *c)
{
    const char *query = "?EIO=4&transport=polling&sid=";
    c->posted = buffered(&c->pending) > 0;
    if (c->posted)
        request(c, "POST", query, c->pending.data + c->pending.start,
                buffered(&c->pending));
    else
        request(c, "GET", query, "", 0);
    empty(&c->pending);
}

/* An answer has a length, or is one chunk: no server that is measured sends more. */
bool read_answer(struct connection *c, struct text *body)
{
    char *start = c->in.data + c->in.start;
    size_t have = buffered(&c->in);
    char *head_end = have ? memmem(start, have, "\r\n\r\n", 4) : NULL;
    if (head_end == NULL)
        return false;
    struct text all = {start, head_end};
    if (memmem(start, 13, " 200 ", 5) == NULL)
        bad(c, "refused", all);
    *head_end = '\0';
    const char *length = strcasestr(start, "\r\ncontent-length:");
    *head_end = '\r';
    char *at = head_end + 4, *limit = start + have;
    size_t size = length ? strtoul(length + 17, NULL, 10) : 0, tail = 0;
    if (length == NULL) {
        char *line_end = memmem(at, (size_t)(limit - at), "\r\n", 2);
        if (line_end == NULL)
            return false;
        size = strtoul(at, NULL, 16);
        at = line_end + 2;
        tail = 7; /* the end of this chunk, and an empty one */
    }
    if ((size_t)(limit - at) < size + tail)
        return false;
    *body = (struct text){at, at + size};
    c->in.start += (size_t)(at - start) + size + tail;
    c->asked = false;
    return true;
}

void request_upgrade(struct connection *c)
{
    char request[1024 + MAX_HEADERS];
    char target[MAX_SID + 32] = "?EIO=4&transport=websocket";
    if (opt.mode == RAW)
        target[0] = '\0';
    else if (opt.old)
        snprintf(target, sizeof target, "1/websocket/%s", c->sid);
    int length = snprintf(request, sizeof request,
        "GET %s%s HTTP/1.1\r\n"
        "Host: %s:%d\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: " WS_KEY "\r\n"
        "%s"
        "Sec-WebSocket-Version: 13\r\n\r\n", opt.path, target, opt.host, opt.port,
        opt.headers);
    c->state = UPGRADING;
    append(&c->out, request, (size_t)length);
}

/* What a client has to check (RFC 6455, section 4.1). */
static void check_upgrade(struct connection *c, const char *head)
{
    struct text all = {head, head + strlen(head)};
    static const char NAME[] = "\r\nsec-websocket-accept:";

    if (strncmp(head, "HTTP/1.1 101", 12) != 0)
        bad(c, "refused", all);
    const char *accept = strcasestr(head, NAME);
    if (accept == NULL)
        bad(c, "no Sec-WebSocket-Accept", all);
    accept += strlen(NAME);
    accept += strspn(accept, " \t");
    if (strncmp(accept, WS_ACCEPT, strlen(WS_ACCEPT)) != 0)
        bad(c, "wrong Sec-WebSocket-Accept", all);
}

bool read_upgrade(struct connection *c)
{
    char *start = c->in.data + c->in.start;
    size_t have = buffered(&c->in);
    char *end = have ? memmem(start, have, "\r\n\r\n", 4) : NULL;
    if (end == NULL) {
        if (have > MAX_HTTP_HEAD)
            die("connection %d: HTTP header too long", c->number);
        return false;
    }
    *end = '\0';
    check_upgrade(c, start);
    c->in.start += (size_t)(end - start) + 4;
    return true;
}
