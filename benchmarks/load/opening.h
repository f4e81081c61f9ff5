/* HTTP: opening a connection, and long-polling. */
#ifndef BENCH_OPENING_H
#define BENCH_OPENING_H

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
        opt.polling ? c->sid : "", opt.host, opt.port, headers, length);
    append(&c->out, head, (size_t)size);
    append(&c->out, body, length);
    c->asked = true;
}

/* The next request of a polling client: what it has to say, or what there is to hear. */
static void ask(struct connection *c)
{
    const char *query = "?EIO=4&transport=polling&sid=";
    c->posted = buffered(&c->pending) > 0;
    if (c->posted)
        request(c, "POST", query, c->pending.data + c->pending.start,
                buffered(&c->pending));
    else
        request(c, "GET", query, "", 0);
    c->pending.start = c->pending.end = 0;
}

static void greet(struct connection *c)
{
    c->state = GREETING;
    c->sid[0] = '\0';
    request(c, "GET", opt.old ? "1/" : "?EIO=4&transport=polling", "", 0);
}

/* Take the body of an answer, which states its length or is one chunk. False while it
 * has not come whole. */
static bool read_answer(struct connection *c, struct text *body)
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

static void on_answer(struct connection *c, struct text body, uint64_t when)
{
    if (c->state == GREETING) {
        const char *begin = opt.old ? body.at : memmem(body.at, 9, ":\"", 2);
        const char *end = begin ? memchr(begin + 2, opt.old ? ':' : '"',
                                         (size_t)(body.end - begin - 2)) : NULL;
        if (end == NULL || end - begin >= MAX_SID)
            bad(c, "no session id", body);
        begin += opt.old ? 0 : 2;
        memcpy(c->sid, begin, (size_t)(end - begin));
        c->sid[end - begin] = '\0';
        c->state = OPENING;
    } else if (c->posted) {
        return;
    }
    while (!opt.old && body.at < body.end) {
        const char *end = memchr(body.at, '\x1e', (size_t)(body.end - body.at));
        struct text packet = {body.at, end ? end : body.end};
        on_message(c, packet, when);
        body.at = end ? end + 1 : body.end;
    }
}

static void request_upgrade(struct connection *c)
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
        headers);
    c->state = UPGRADING;
    append(&c->out, request, (size_t)length);
}

static void check_upgrade(struct connection *c, char *head)
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

/* Take the answer to the upgrade from the input. False while it has not come whole. */
static bool read_upgrade(struct connection *c)
{
    char *start = c->in.data + c->in.start;
    char *end = memmem(start, buffered(&c->in), "\r\n\r\n", 4);
    if (end == NULL) {
        if (buffered(&c->in) > MAX_HTTP_HEAD)
            die("connection %d: HTTP header too long", c->number);
        return false;
    }
    *end = '\0';
    check_upgrade(c, start);
    c->in.start += (size_t)(end - start) + 4;
    c->state = opt.mode == RAW ? READY : OPENING;
    ready += c->state == READY;
    return true;
}

/* How many connections send: the first ones. */
static int senders(void)
{
    if (opt.mode == IDLE || opt.mode == STORM)
        return 0;
    if (opt.mode == FANOUT || opt.mode == CHANNELS)
        return 1;
    return opt.mode == ROOMS ? opt.rooms : opt.busy;
}

static void begin(struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port)};
    int on = 1;

    inet_pton(AF_INET, opt.host, &to.sin_addr); /* checked with the options */
    c->window = c->number >= senders() - opt.greedy && c->number < senders()
        ? GREEDY_WINDOW : opt.in_flight;
    if (c->number < senders())
        c->sent_at = allocate((size_t)c->window, sizeof *c->sent_at);
    c->begun = now();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("connection %d: %s", c->number, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connection %d: %s", c->number, strerror(errno));
    c->want_write = true;
    watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void open_one(void)
{
    struct connection *c = &connections[opened];
    c->number = opened++;
    begin(c);
}

static void open_more(void)
{
    while (opened < open_target && opened - ready < HANDSHAKES_AT_ONCE)
        open_one();
}

#endif
