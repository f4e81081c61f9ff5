/* The measurement, and its result. */
#ifndef BENCH_MEASURING_H
#define BENCH_MEASURING_H

struct sample {
    uint64_t time;
    double server_cpu;
    double own_cpu;
};

static struct sample take_sample(void)
{
    return (struct sample){now(), server_cpu_seconds(), own_cpu_seconds()};
}

static void start_sending(void)
{
    uint64_t when = now();
    sending = true;
    for (int i = 0; i < opt.connections && opt.mode == STORM; i++)
        begin(&connections[i]);
    for (int i = 0; i < senders(); i++) {
        for (int n = 0; n < connections[i].window; n++)
            send_event(&connections[i], when);
        flush(&connections[i]);
    }
}

struct counts {
    uint64_t all;
    uint64_t greedy;
    uint64_t least;
    uint64_t most;
    int silent;
};

static struct counts count_replies(void)
{
    struct counts result = {.least = UINT64_MAX};
    int many = opt.mode == FANOUT || opt.mode == CHANNELS ? opt.connections
        : opt.mode == ROOMS || opt.mode == STORM ? opt.connections : senders();
    for (int i = 0; i < many; i++) {
        uint64_t n = connections[i].received - connections[i].received_at_mark;
        result.all += n;
        if (is_greedy(&connections[i])) {
            result.greedy += n;
            continue;
        }
        if (opt.mode == ROOMS && i < opt.rooms)
            continue; /* who sends does not receive */
        result.silent += n == 0;
        result.least = n < result.least ? n : result.least;
        result.most = n > result.most ? n : result.most;
    }
    return result;
}

static void print_server(double cpu, uint64_t messages, double rss, double growth)
{
    if (opt.pid == 0)
        return;
    printf(", \"server\": {\"cpu_seconds\": %.2f, \"cpu_us_per_message\": %.2f, "
           "\"rss_kib\": %.0f, \"kib_per_connection\": %.1f}",
           cpu, messages ? cpu * 1e6 / (double)messages : 0, rss,
           opt.connections > 1 ? growth / (opt.connections - 1) : growth);
}

static void print_result(struct sample from, struct sample to, struct counts n,
                         double growth)
{
    double seconds = (double)(to.time - from.time) / SECOND;
    printf("{\"mode\": \"%s\", \"connections\": %d, \"in_flight\": %d, \"size\": %zu, "
           "\"seconds\": %.3f, \"messages\": %llu, \"messages_per_second\": %.1f",
           MODE_NAMES[opt.mode], opt.connections, opt.in_flight, opt.size, seconds,
           (unsigned long long)n.all, (double)n.all / seconds);
    printf(", \"latency_us\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, "
           "\"max\": %.0f}", percentile(0.5) / 1e3, percentile(0.9) / 1e3,
           percentile(0.99) / 1e3, (double)worst / 1e3);
    printf(", \"per_connection\": {\"min\": %llu, \"max\": %llu, \"silent\": %d}",
           n.least == UINT64_MAX ? 0 : (unsigned long long)n.least,
           (unsigned long long)n.most, n.silent);
    if (opt.greedy > 0)
        printf(", \"greedy_messages_per_second\": %.1f", (double)n.greedy / seconds);
    print_server(to.server_cpu - from.server_cpu, n.all, server_rss_kib(), growth);
    printf(", \"engine_pings\": %llu, \"other_events\": %llu, \"unanswered\": %llu, "
           "\"load_cpu_percent\": %.1f}\n", (unsigned long long)engine_pings,
           (unsigned long long)other_events, (unsigned long long)outstanding,
           100 * (to.own_cpu - from.own_cpu) / seconds);
}

/* The first connection makes a server load what it loads late; memory per connection
 * counts from the second. */
static double open_all(void)
{
    uint64_t deadline = from_now(opt.patience);
    open_up_to(1, deadline);
    double before = server_rss_kib();
    open_up_to(opt.connections, deadline);
    return server_rss_kib() - before;
}

static struct counts measure(struct sample *from, struct sample *to)
{
    storming = opt.mode == STORM;
    start_sending();
    run(from_now(opt.warmup), NULL);
    for (int i = 0; i < opt.connections; i++)
        connections[i].received_at_mark = connections[i].received;
    measuring = true;
    *from = take_sample();
    run(from_now(opt.seconds), NULL);
    *to = take_sample();
    measuring = sending = storming = false;
    return count_replies();
}

static void say_goodbye(void)
{
    if (opt.mode == STORM || opt.polling)
        return; /* the kernel closes what has begun */
    for (int i = 0; i < opt.connections; i++) {
        write_frame(&connections[i], CLOSE, "\x03\xe8", 2); /* 1000, normal */
        send(connections[i].fd, connections[i].out.data + connections[i].out.start,
             buffered(&connections[i].out), MSG_NOSIGNAL);
        close(connections[i].fd);
    }
}

#endif
