/* The event loop. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Handle events until `done` says so or the time is up; `done` may be NULL. */
void run(uint64_t deadline, bool (*done)(void));

/* Open the first `target` connections. Ends the program when that takes too long. */
void open_up_to(int target, uint64_t deadline);

#endif
