/*
 * Domains' ends of their XenStore rings, for clients that measure: a page is a file that the daemon has mapped, too, and
 * events are words of four bytes, the daemon's port, over the descriptor that the program was started with; xenstored-shim.h
 * numbers both. The daemon is notified as Linux's client does it: of requests only if it had taken all before, of replies
 * that were taken only if the ring was full.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define EVENTS_FD 3
#define EVENTS_AT_ONCE 256
#define FIRST_DOMAIN_PORT 1000
#define MAX_DOMID 1024

struct ring {
    struct xenstore_domain_interface *page;
    uint32_t port;
    /* An event has come, and the ring was not looked at since. */
    int due;
};

static struct ring *rings[MAX_DOMID + 1];

/* The descriptor's other uses want it as it was. */
static void unblock_events(void)
{
    fcntl(EVENTS_FD, F_SETFL, fcntl(EVENTS_FD, F_GETFL) | O_NONBLOCK);
}

static inline void block_on_events(void)
{
    int flags = fcntl(EVENTS_FD, F_GETFL);

    if (flags < 0 || fcntl(EVENTS_FD, F_SETFL, flags & ~O_NONBLOCK) < 0)
        fail("the descriptor of events");
    atexit(unblock_events);
}

/* @param path ends in the domain's number */
static inline void map_ring(struct ring *ring, const char *path, unsigned domid)
{
    int fd = open(path, O_RDWR);

    ring->page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring->page == MAP_FAILED || domid > MAX_DOMID)
        fail(path);
    close(fd);
    ring->port = FIRST_DOMAIN_PORT + domid;
    rings[domid] = ring;
}

static inline void notify_daemon(const struct ring *ring)
{
    if (write(EVENTS_FD, &ring->port, sizeof(ring->port)) != sizeof(ring->port))
        fail("an event to the daemon");
}

/* Sleeps until one comes. Those for others than us are what an earlier run has left. */
static inline void await_events(void)
{
    uint32_t ports[EVENTS_AT_ONCE];
    ssize_t bytes;

    do
        bytes = read(EVENTS_FD, ports, sizeof(ports));
    while (bytes < 0 && errno == EINTR);
    if (bytes <= 0)
        fail("the daemon's events have ended");
    for (size_t i = 0; i < bytes / sizeof(*ports); i++) {
        uint32_t domid = ports[i] - FIRST_DOMAIN_PORT;

        if (domid <= MAX_DOMID && rings[domid])
            rings[domid]->due = 1;
    }
}

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* @return what was put, as far as it lies together; 0 if there is no room */
static inline size_t put_requests(struct ring *ring, const char *bytes, size_t count)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t producer = page->req_prod, at = MASK_XENSTORE_IDX(producer);
    uint32_t used = producer - __atomic_load_n(&page->req_cons, __ATOMIC_ACQUIRE);
    size_t put = least(count, least(XENSTORE_RING_SIZE - used, XENSTORE_RING_SIZE - at));

    if (put == 0)
        return 0;
    memcpy(page->req + at, bytes, put);
    __atomic_store_n(&page->req_prod, producer + put, __ATOMIC_SEQ_CST);
    if ((int32_t)(__atomic_load_n(&page->req_cons, __ATOMIC_SEQ_CST) - producer) >= 0)
        notify_daemon(ring);
    return put;
}

/* @return what was taken, as far as it lies together; 0 if there is nothing */
static inline size_t take_replies(struct ring *ring, char *into, size_t room)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t consumer = page->rsp_cons, at = MASK_XENSTORE_IDX(consumer);
    uint32_t there = __atomic_load_n(&page->rsp_prod, __ATOMIC_ACQUIRE) - consumer;
    size_t taken = least(room, least(there, XENSTORE_RING_SIZE - at));

    if (taken == 0)
        return 0;
    memcpy(into, page->rsp + at, taken);
    __atomic_store_n(&page->rsp_cons, consumer + taken, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&page->rsp_prod, __ATOMIC_SEQ_CST) - consumer >= XENSTORE_RING_SIZE)
        notify_daemon(ring);
    return taken;
}
