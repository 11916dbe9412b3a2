/*
 * XenStore's messages over a Unix socket or a ring, for a client that measures: whole messages go into one buffer and out
 * by one write, and what one read brings is cut into messages in place.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#include "xenstore-ring.h"

#define BUFFER_BYTES (64 * 1024)

struct connection {
    /* Of the socket; -1 where a ring is. */
    int fd;
    struct ring ring;
    char in[BUFFER_BYTES], out[BUFFER_BYTES];
    size_t received, taken, queued;
};

static inline int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail(path);
    return fd;
}

static inline int is_ring(const struct connection *connection)
{
    return connection->fd < 0;
}

/* What a place names that is no socket is the page of a domain; the domid is what its name ends in. */
static inline unsigned domid_of(const char *place)
{
    struct stat status;
    const char *dash = strrchr(place, '-');

    if (stat(place, &status) < 0)
        fail(place);
    return S_ISREG(status.st_mode) ? number(dash ? dash + 1 : "", 1, MAX_DOMID) : 0;
}

/* @param place a socket, or a domain's page */
static inline struct connection *open_connection(const char *place)
{
    struct connection *made = calloc(1, sizeof(*made));
    unsigned domid = domid_of(place);

    if (!made)
        fail("memory");
    made->fd = domid == 0 ? connect_to(place) : -1;
    if (domid != 0)
        map_ring(&made->ring, place, domid);
    return made;
}

static inline void ask(struct connection *to, uint32_t type, uint32_t id, uint32_t tx_id, const void *body, uint32_t bytes)
{
    struct xsd_sockmsg header = { .type = type, .req_id = id, .tx_id = tx_id, .len = bytes };

    if (to->queued + sizeof(header) + bytes > BUFFER_BYTES)
        fail("too much to send at once");
    memcpy(to->out + to->queued, &header, sizeof(header));
    memcpy(to->out + to->queued + sizeof(header), body, bytes);
    to->queued += sizeof(header) + bytes;
}

/* What was not taken yet moves to the front. @return where more may come, and into how much room */
static inline char *make_room(struct connection *into, size_t *room)
{
    memmove(into->in, into->in + into->taken, into->received - into->taken);
    into->received -= into->taken;
    into->taken = 0;
    *room = BUFFER_BYTES - into->received;
    return into->in + into->received;
}

/* @return whether something came; a ring that is empty is not waited for, a socket is */
static inline int take_in(struct connection *from)
{
    size_t room;
    char *into = make_room(from, &room);
    ssize_t bytes;

    if (is_ring(from)) {
        bytes = take_replies(&from->ring, into, room);
        bytes += take_replies(&from->ring, into + bytes, room - bytes);
    } else {
        do
            bytes = read(from->fd, into, room);
        while (bytes < 0 && errno == EINTR);
        if (bytes <= 0)
            fail("the daemon has closed the connection");
    }
    from->received += bytes;
    return bytes > 0;
}

static inline void receive(struct connection *from)
{
    while (!take_in(from))
        await_events();
}

static inline size_t send_some(struct connection *to, const char *bytes, size_t count)
{
    ssize_t sent;

    if (is_ring(to))
        return put_requests(&to->ring, bytes, count);
    sent = write(to->fd, bytes, count);
    if (sent < 0 && errno != EINTR)
        fail("write");
    return sent < 0 ? 0 : sent;
}

/* A daemon whose replies find no room takes no requests. */
static inline void flush(struct connection *to)
{
    for (size_t sent = 0; sent < to->queued;) {
        size_t more = send_some(to, to->out + sent, to->queued - sent);

        sent += more;
        if (more > 0 || !is_ring(to))
            continue;
        if (take_in(to))
            to->ring.due = 1;
        else
            await_events();
    }
    to->queued = 0;
}

/* The next whole message, or NULL until more was received. */
static inline const char *next_message(struct connection *from, struct xsd_sockmsg *header)
{
    const char *body = from->in + from->taken + sizeof(*header);

    if (from->received - from->taken < sizeof(*header))
        return NULL;
    memcpy(header, from->in + from->taken, sizeof(*header));
    if (from->received - from->taken < sizeof(*header) + header->len)
        return NULL;
    from->taken += sizeof(*header) + header->len;
    return body;
}

static inline int is_error(const struct xsd_sockmsg *header, const char *body, const char *name)
{
    return header->type == XS_ERROR && header->len == strlen(name) + 1 && !memcmp(body, name, header->len);
}

static inline void expect(const struct xsd_sockmsg *header, const char *body, uint32_t type)
{
    if (header->type == type)
        return;
    fprintf(stderr, "type %u answers %u: %.*s\n", header->type, type, (int)header->len, body);
    exit(1);
}

static inline void await_answers(struct connection *with, uint32_t type, unsigned expected)
{
    struct xsd_sockmsg header;

    flush(with);
    for (unsigned answers = 0; answers < expected;) {
        const char *body = next_message(with, &header);

        if (!body) {
            receive(with);
            continue;
        }
        expect(&header, body, type);
        answers++;
    }
}

/* Watches and transactions would outlive us at a ring, and whoever comes next shall find it empty. */
static inline void leave(struct connection *with)
{
    struct xsd_sockmsg header;

    if (!is_ring(with))
        return;
    ask(with, XS_RESET_WATCHES, 0, 0, "", 1);
    flush(with);
    for (;;) {
        if (!next_message(with, &header))
            receive(with);
        else if (header.type == XS_RESET_WATCHES)
            return;
    }
}
