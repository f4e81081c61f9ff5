/* The measurement of mode recovery. */
#ifndef BENCH_RECOVERY_H
#define BENCH_RECOVERY_H

/* Let events flow, lose connections, wait for the last client, and print the result.
 * Ends the program when clients are not back in time. */
void measure_recovery(void);

#endif
