/* What all programs that measure begin with: how they fail, and what time it is. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "not as it should be");
    exit(1);
}

static inline uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline unsigned number(const char *text, unsigned least, unsigned most)
{
    unsigned long parsed = text ? strtoul(text, NULL, 10) : 0;

    if (parsed < least || parsed > most)
        fail("a number is missing, or out of range");
    return parsed;
}
