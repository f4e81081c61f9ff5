/* The server's process, as the kernel sees it. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

/* User and system time of all threads, also of those that have ended: the line of the
 * process in /proc counts them together. */
static double server_cpu_seconds(void)
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

static double server_rss_kib(void)
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

#endif
