/* Failures end the program, with one line on stderr that says why. */
#ifndef BENCH_FAILURES_H
#define BENCH_FAILURES_H

#include <stddef.h>

/* Print a line as printf would, and end with exit status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory for `count` things of `size` bytes. Ends the program if there is none. */
void *allocate(size_t count, size_t size);

#endif
