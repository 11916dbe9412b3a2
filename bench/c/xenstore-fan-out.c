/*
 * One writer and many watchers, for every XenStore daemon that bench/src/xenstore.bench.ts measures.
 *
 *   xenstore-fan-out PLACE PREFIX WATCHERS DEPTH SECONDS
 *
 * Each watcher has a connection of its own and watches PREFIX; the writer keeps DEPTH writes below it under way. A write is
 * done once every watcher was told of it. Prints {"count": n, "seconds": s, "p50": µs, "p99": µs} of such writes. PLACE is a
 * socket, or the writer's ring page, as for xenstore-load; the watchers' domids then follow the writer's.
 */
#include <limits.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "measure.h"
#include "xenstore-wire.h"
#include "xenstore-times.h"

#define MAX_DEPTH 64
#define MAX_WATCHERS 4000
#define BATCH 256

struct lane {
    uint32_t told;
    uint64_t began;
};

static const char *prefix;
static unsigned watchers;
static struct lane lanes[MAX_DEPTH];
/* The writer is the first. */
static struct connection *connections[1 + MAX_WATCHERS];
static int epoll;
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

/* The lane's path ends the event's. */
static void told(struct connection *writer, struct connection *watcher)
{
    struct xsd_sockmsg header;

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

/* In the place of the one before it, for a ring. */
static struct connection *open_next(const char *place, unsigned index)
{
    char path[PATH_MAX];
    unsigned domid = domid_of(place);

    if (domid == 0)
        return open_connection(place);
    snprintf(path, sizeof(path), "%.*s%u", (int)(strrchr(place, '-') + 1 - place), place, domid + index);
    return open_connection(path);
}

static void add(unsigned index, const char *place)
{
    struct connection *added = connections[index] = open_next(place, index);
    struct epoll_event interest = { .events = EPOLLIN, .data.ptr = added };

    if (!is_ring(added) && epoll_ctl(epoll, EPOLL_CTL_ADD, added->fd, &interest) < 0)
        fail("epoll_ctl");
}

static int due_rings(struct connection **due)
{
    int found = 0;

    for (unsigned i = 0; i <= watchers; i++)
        if (connections[i]->ring.due) {
            connections[i]->ring.due = 0;
            due[found++] = connections[i];
        }
    return found;
}

/* @return how many it waited for have something to take */
static int await_ready(struct connection **ready)
{
    struct epoll_event events[BATCH];
    int found;

    if (is_ring(connections[0])) {
        while ((found = due_rings(ready)) == 0)
            await_events();
        return found;
    }
    found = epoll_wait(epoll, events, BATCH, -1);
    for (int i = 0; i < found; i++)
        ready[i] = events[i].data.ptr;
    return found;
}

static void step(struct connection *writer)
{
    static struct connection *ready[1 + MAX_WATCHERS];
    struct xsd_sockmsg header;
    int found;

    flush(writer);
    found = await_ready(ready);
    for (int i = 0; i < found; i++) {
        const char *body;

        take_in(ready[i]);
        if (ready[i] != writer) {
            told(writer, ready[i]);
            continue;
        }
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

    if (argc != 6)
        fail("see the head of xenstore-fan-out.c");
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(0);
    prefix = argv[2];
    watchers = number(argv[3], 1, MAX_WATCHERS);
    depth = number(argv[4], 1, MAX_DEPTH);
    for (unsigned i = 0; i <= watchers; i++)
        add(i, argv[1]);
    writer = connections[0];
    if (is_ring(writer))
        block_on_events();
    for (unsigned i = 1; i <= watchers; i++)
        register_watch(connections[i]);
    until = begin_counting(atof(argv[5]));
    for (uint32_t id = 0; id < depth; id++)
        fan_out_step(writer, id);
    while (now() < until || count < ENOUGH)
        step(writer);
    /* What the writer has asked is done before its own turn to leave is over. */
    for (unsigned i = 0; i <= watchers; i++)
        leave(connections[i]);
    report();
    return 0;
}
