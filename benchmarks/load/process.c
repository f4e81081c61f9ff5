#define _GNU_SOURCE
#include "process.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "failures.h"
#include "options.h"

/* Its line in /proc counts user and system time of threads that have ended, too. */
double server_cpu_seconds(void)
{
    char path[64], line[1024];
    unsigned long long user, system;

    if (opt.pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", opt.pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        die("cannot read %s: did the server end?", path);
    fclose(file);
    /* The command's name may hold spaces and parentheses; fields count from its end. */
    const char *rest = strrchr(line, ')');
    if (rest == NULL
        || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                  &user, &system) != 2)
        die("cannot understand %s", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double server_rss_kib(void)
{
    char path[64];
    unsigned long long pages;

    if (opt.pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/statm", opt.pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%*u %llu", &pages) != 1)
        die("cannot read %s: did the server end?", path);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

double own_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / SECOND;
}

void allow_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* with too few, opening fails and says so */
}
