#include "recovery.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "connection.h"
#include "events.h"
#include "failures.h"
#include "latencies.h"
#include "loop.h"
#include "options.h"
#include "output.h"
#include "process.h"
#include "returning.h"

static void send_event(struct connection *sender)
{
    static char *scratch;
    if (scratch == NULL)
        scratch = allocate(largest_event(), 1);
    char *end = put_event(scratch, sender->number, returns.sent++);
    write_message(sender, scratch, (size_t)(end - scratch));
    flush(sender);
}

static void send_for(double seconds)
{
    uint64_t end = from_now(seconds), due = now();
    while (due < end) {
        send_event(&connections[0]);
        due += (uint64_t)((double)SECOND / opt.rate);
        run(due < end ? due : end, NULL);
    }
}

static void lose_all(void)
{
    if (!opt.cuts && kill(opt.pid, SIGKILL) < 0)
        die("process %d: %s", opt.pid, strerror(errno));
    for (int i = 1; opt.cuts && i < opt.connections; i++)
        lose(&connections[i]);
}

static bool all_back(void)
{
    return returns.lost == opt.connections - 1 && ready == opt.connections;
}

/* One that was not recovered, and has received nothing since, has missed the rest. */
static bool all_done(void)
{
    if (!all_back() || returns.caught_up < returns.recovered)
        return false;
    for (int i = 0; i < opt.connections; i++)
        if (connections[i].received < returns.sent && !connections[i].is_new)
            return false;
    return true;
}

static double since(uint64_t begin, uint64_t end)
{
    return end > begin ? (double)(end - begin) / SECOND : 0;
}

static void print_result(uint64_t begin, double seconds, double cpu)
{
    printf("{\"mode\": \"recovery\", \"connections\": %d, \"seconds\": %.3f, "
           "\"messages\": %llu, \"messages_per_second\": %.1f, "
           "\"recovered\": %d, \"as_new\": %d, \"missing\": %llu, \"wrong\": %llu, "
           "\"seconds_until\": {\"back\": %.3f, \"caught_up\": %.3f}, "
           "\"latency_us\": {\"p50\": %.0f, \"p99\": %.0f, \"max\": %.0f}, "
           "\"load_cpu_percent\": %.1f}\n",
           opt.connections, seconds, (unsigned long long)returns.received,
           (double)returns.received / seconds, returns.recovered, returns.as_new,
           (unsigned long long)returns.missing, (unsigned long long)returns.wrong,
           since(begin, returns.last_back),
           since(begin, returns.last_caught_up),
           latency_percentile(&latencies, 0.5) / 1e3,
           latency_percentile(&latencies, 0.99) / 1e3, (double)latencies.worst / 1e3,
           100 * cpu / seconds);
}

void measure_recovery(void)
{
    connections[0].elsewhere = true;
    open_up_to(opt.connections, from_now(opt.patience));
    send_for(opt.warmup);
    uint64_t begin = now();
    double cpu = own_cpu_seconds();
    returns.received = 0;
    lose_all();
    send_for(opt.seconds);
    uint64_t deadline = from_now(opt.patience);
    while (!all_back() && now() < deadline)
        send_for(1 / opt.rate);
    /* Who came back last receives something, too. */
    send_for(1);
    run(from_now(opt.patience), all_done);
    print_result(begin, since(begin, now()), own_cpu_seconds() - cpu);
    if (!all_done())
        die("%d of %d clients are back, %d of %d recovered ones have what they missed",
            ready, opt.connections, returns.caught_up, returns.recovered);
}
