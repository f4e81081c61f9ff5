#define _GNU_SOURCE
#include "text.h"

#include <string.h>

char *put(char *to, const char *text)
{
    return stpcpy(to, text);
}

char *put_number(char *to, uint64_t number)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

bool take(struct text *t, const char *expected, size_t length)
{
    if (length_of(*t) < length || memcmp(t->at, expected, length) != 0)
        return false;
    t->at += length;
    return true;
}

bool take_word(struct text *t, const char *expected)
{
    return take(t, expected, strlen(expected));
}

bool take_json(struct text *t, const char *expected)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n'))
        t->at++;
    return take_word(t, expected);
}

const char *excerpt(struct text t)
{
    static char line[128];
    size_t n = length_of(t), i;
    for (i = 0; i < n && i < sizeof line - 4; i++)
        line[i] = t.at[i] >= ' ' && t.at[i] <= '~' ? t.at[i] : '.';
    strcpy(line + i, i < n ? "..." : "");
    return line;
}
