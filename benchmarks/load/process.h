/* The time and memory of processes, as the kernel counts them. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

/* CPU seconds of the server (opt.pid), of all its threads; 0 if its pid is unknown. */
double server_cpu_seconds(void);

/* Memory of the server in KiB; 0 if its pid is unknown. */
double server_rss_kib(void);

/* CPU seconds of this program. */
double own_cpu_seconds(void);

/* Let this program open as many files as the system allows. */
void allow_descriptors(void);

#endif
