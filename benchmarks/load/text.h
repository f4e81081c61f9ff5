/* Writing and reading text piece by piece. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The unread part of a text. */
struct text {
    const char *at;
    const char *end;
};

static inline size_t length_of(struct text t)
{
    return (size_t)(t.end - t.at);
}

/* Write at `to`; the result is where the next piece goes. */
char *put(char *to, const char *text);
char *put_number(char *to, uint64_t number);

/* Read what is expected next. False, and nothing is read, when something else comes. */
bool take(struct text *t, const char *expected, size_t length);
bool take_word(struct text *t, const char *expected);
/* A token of JSON, with the white space that may stand before it. */
bool take_json(struct text *t, const char *expected);

/* The first characters, printable, for an error line. Valid until the next call. */
const char *excerpt(struct text t);

#endif
