#include "measuring.h"

#include <stdbool.h>
#include <stdio.h>

#include "audience.h"
#include "clock.h"
#include "connection.h"
#include "failures.h"
#include "latencies.h"
#include "loop.h"
#include "options.h"
#include "process.h"
#include "session.h"
#include "traffic.h"
#include "websocket.h"

/* The counters at one moment. */
struct sample {
    uint64_t time;
    double server_cpu;
    double own_cpu;
};

/* Replies during the measurement: of all connections, and of single ones. */
struct counts {
    uint64_t all;
    uint64_t greedy;
    uint64_t least;
    uint64_t most;
    int silent;
};

static struct sample take_sample(void)
{
    return (struct sample){now(), server_cpu_seconds(), own_cpu_seconds()};
}

static bool all_answered(void)
{
    return traffic.outstanding == 0;
}

static struct counts count_replies(void)
{
    struct counts result = {.least = UINT64_MAX};
    int many = is_for_many() || opt.mode == STORM ? opt.connections : senders();
    for (int i = 0; i < many; i++) {
        uint64_t n = connections[i].received - connections[i].received_at_mark;
        if (is_neighbour(i)) {
            result.silent += n == 0;
            continue;
        }
        result.all += n;
        if (is_greedy(i)) {
            result.greedy += n;
            continue;
        }
        if (opt.mode == ROOMS && i < opt.rooms)
            continue; /* senders do not receive */
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

static void print_neighbour(void)
{
    const struct latencies *l = &neighbour_latencies;
    printf(", \"neighbour_us\": {\"p50\": %.0f, \"p99\": %.0f, \"max\": %.0f}",
           latency_percentile(l, 0.5) / 1e3, latency_percentile(l, 0.99) / 1e3,
           (double)l->worst / 1e3);
}

static void print_result(struct sample from, struct sample to, struct counts n,
                         double growth)
{
    double seconds = (double)(to.time - from.time) / SECOND;
    printf("{\"mode\": \"%s\", \"connections\": %d, \"in_flight\": %d, \"size\": %zu, "
           "\"seconds\": %.3f, \"messages\": %llu, \"messages_per_second\": %.1f",
           mode_name(opt.mode), opt.connections, opt.in_flight, opt.size, seconds,
           (unsigned long long)n.all, (double)n.all / seconds);
    printf(", \"latency_us\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, "
           "\"max\": %.0f}", latency_percentile(&latencies, 0.5) / 1e3,
           latency_percentile(&latencies, 0.9) / 1e3,
           latency_percentile(&latencies, 0.99) / 1e3, (double)latencies.worst / 1e3);
    printf(", \"per_connection\": {\"min\": %llu, \"max\": %llu, \"silent\": %d}",
           n.least == UINT64_MAX ? 0 : (unsigned long long)n.least,
           (unsigned long long)n.most, n.silent);
    if (opt.greedy > 0)
        printf(", \"greedy_messages_per_second\": %.1f", (double)n.greedy / seconds);
    if (opt.neighbour)
        print_neighbour();
    print_server(to.server_cpu - from.server_cpu, n.all, server_rss_kib(), growth);
    printf(", \"engine_pings\": %llu, \"other_events\": %llu, \"unanswered\": %llu, "
           "\"load_cpu_percent\": %.1f}\n", (unsigned long long)sessions.engine_pings,
           (unsigned long long)sessions.other_events,
           (unsigned long long)traffic.outstanding,
           100 * (to.own_cpu - from.own_cpu) / seconds);
}

/* Open all connections, and return by how many KiB the server grew. With the first one
 * a server loads what it loads late, so growth counts from the second. */
static double open_all(void)
{
    uint64_t deadline = from_now(opt.patience);
    open_up_to(1, deadline);
    double before = server_rss_kib();
    open_up_to(opt.connections, deadline);
    if (opt.polling && opt.mode == IDLE)
        run(from_now(opt.warmup), NULL); /* the last polls arrive */
    return server_rss_kib() - before;
}

static void start(void)
{
    sessions.storming = opt.mode == STORM;
    for (int i = 0; sessions.storming && i < opt.connections; i++)
        if (!is_neighbour(i))
            begin(&connections[i]);
    start_sending();
}

static void stop(void)
{
    traffic.measuring = traffic.sending = sessions.storming = false;
}

uint64_t measure(void)
{
    double growth = open_all();
    start();
    run(from_now(opt.warmup), NULL);
    for (int i = 0; i < opt.connections; i++)
        connections[i].received_at_mark = connections[i].received;
    traffic.measuring = true;
    struct sample from = take_sample();
    run(from_now(opt.seconds), NULL);
    struct sample to = take_sample();
    stop();
    struct counts counts = count_replies();
    run(from_now(opt.patience), all_answered);
    print_result(from, to, counts, growth);
    if (traffic.outstanding > 0)
        die("%llu replies missing %g s after the last event",
            (unsigned long long)traffic.outstanding, opt.patience);
    return counts.all;
}

void say_goodbye(void)
{
    if (opt.mode == STORM || opt.polling)
        return; /* the kernel closes connections that have begun */
    for (int i = 0; i < opt.connections; i++) {
        write_frame(&connections[i], CLOSE, NORMAL_CLOSURE, 2);
        hang_up(&connections[i]);
    }
}
