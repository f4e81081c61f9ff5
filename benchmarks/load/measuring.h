/* The measurement, and its result. */
#ifndef BENCH_MEASURING_H
#define BENCH_MEASURING_H

#include <stdint.h>

/* Open the connections, exchange events, and print the result on stdout. Returns the
 * number of messages. Ends the program when replies are missing. */
uint64_t measure(void);

/* Close all connections. */
void say_goodbye(void);

#endif
