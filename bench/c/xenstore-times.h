/* How long each unit of work took, of the programs that measure XenStore daemons, and what they print of it. */
#define MAX_TIMES (8 * 1024 * 1024)
/* Of the time asked for, before it is counted. */
#define WARM_UP 0.2
/* On a machine that is busy with other things it takes as long as it takes. */
#define ENOUGH 16

static float *times;
static size_t count;
static uint64_t counting_from;

/* @return when to stop */
static uint64_t begin_counting(double seconds)
{
    times = malloc(MAX_TIMES * sizeof(*times));
    if (!times)
        fail("memory");
    counting_from = now() + (uint64_t)(seconds * 1e9 * WARM_UP);
    return now() + (uint64_t)(seconds * 1e9);
}

static void note(uint64_t began, uint64_t ended)
{
    if (began >= counting_from && count < MAX_TIMES)
        times[count++] = (ended - began) / 1000.0f;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void report(void)
{
    double seconds = (now() - counting_from) / 1e9;

    qsort(times, count, sizeof(*times), by_size);
    printf("{\"count\": %zu, \"seconds\": %.6f, \"p50\": %.2f, \"p99\": %.2f}\n", count, seconds,
           times[(size_t)((count - 1) * 0.5)], times[(size_t)((count - 1) * 0.99)]);
}
