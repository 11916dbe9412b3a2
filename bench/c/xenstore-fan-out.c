/*
 * One writer and many watchers, for every XenStore daemon that bench/src/xenstore.bench.ts measures.
 *
 *   xenstore-fan-out SOCKET PREFIX WATCHERS DEPTH SECONDS
 *
 * Each watcher has a connection of its own and watches PREFIX; the writer keeps DEPTH writes below it under way. A write is
 * done once every watcher was told of it. Prints {"count": n, "seconds": s, "p50": µs, "p99": µs} of such writes.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "xenstore-wire.h"
#include "xenstore-times.h"

#define MAX_DEPTH 64
#define BATCH 256

struct lane {
    uint32_t told;
    uint64_t began;
};

static const char *prefix;
static unsigned watchers;
static struct lane lanes[MAX_DEPTH];
static const char value[] = "a value of some thirty-two bytes";

static void fan_out_step(struct connection *writer, uint32_t id)
{
    char body[256];
    int bytes = sprintf(body, "%s/%u", prefix, id) + 1;

    lanes[id].began = now();
    lanes[id].told = 0;
    memcpy(body + bytes, value, sizeof(value) - 1);
    ask(writer, XS_WRITE, id, 0, body, bytes + sizeof(value) - 1);
}

/* @return whether a lane is done: its path ends the event's */
static void told(struct connection *writer, struct connection *watcher)
{
    struct xsd_sockmsg header;

    receive(watcher);
    for (const char *body; (body = next_message(watcher, &header));) {
        uint32_t id = 0;

        expect(&header, body, XS_WATCH_EVENT);
        if (strlen(body) > strlen(prefix))
            id = strtoul(body + strlen(prefix) + 1, NULL, 10);
        if (++lanes[id].told < watchers)
            continue;
        note(lanes[id].began, now());
        fan_out_step(writer, id);
    }
}

static void register_watch(struct connection *watcher)
{
    struct xsd_sockmsg header;
    char body[256];
    int bytes = sprintf(body, "%s%ctoken", prefix, 0) + 1;

    ask(watcher, XS_WATCH, 0, 0, body, bytes);
    flush(watcher);
    /* The answer, and the first event. */
    for (unsigned seen = 0; seen < 2;) {
        if (next_message(watcher, &header))
            seen++;
        else
            receive(watcher);
    }
}

static void wait_for(int epoll, struct connection *with)
{
    struct epoll_event interest = { .events = EPOLLIN, .data.ptr = with };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, with->fd, &interest) < 0)
        fail("epoll_ctl");
}

static void step(int epoll, struct connection *writer)
{
    struct epoll_event events[BATCH];
    struct xsd_sockmsg header;
    int ready;

    flush(writer);
    ready = epoll_wait(epoll, events, BATCH, -1);
    for (int i = 0; i < ready; i++) {
        const char *body;

        if (events[i].data.ptr != writer) {
            told(writer, events[i].data.ptr);
            continue;
        }
        receive(writer);
        while ((body = next_message(writer, &header)))
            expect(&header, body, XS_WRITE);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files = { 4096, 4096 };
    struct connection *writer;
    unsigned depth;
    uint64_t until;
    int epoll = epoll_create1(0);

    if (argc != 6)
        fail("see the head of xenstore-fan-out.c");
    setrlimit(RLIMIT_NOFILE, &files);
    prefix = argv[2];
    watchers = number(argv[3], 1, 4000);
    depth = number(argv[4], 1, MAX_DEPTH);
    writer = open_connection(argv[1]);
    wait_for(epoll, writer);
    for (unsigned i = 0; i < watchers; i++) {
        struct connection *watcher = open_connection(argv[1]);

        register_watch(watcher);
        wait_for(epoll, watcher);
    }
    until = begin_counting(atof(argv[5]));
    for (uint32_t id = 0; id < depth; id++)
        fan_out_step(writer, id);
    while (now() < until || count < ENOUGH)
        step(epoll, writer);
    report();
    return 0;
}
