/*
 * XenStore's messages over a Unix socket, for a client that measures: whole messages go into one buffer and out by one
 * write, and what one read brings is cut into messages in place.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#define BUFFER_BYTES (64 * 1024)

struct connection {
    int fd;
    char in[BUFFER_BYTES], out[BUFFER_BYTES];
    size_t received, taken, queued;
};

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

static inline int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail(path);
    return fd;
}

static inline struct connection *open_connection(const char *path)
{
    struct connection *made = calloc(1, sizeof(*made));

    if (!made)
        fail("memory");
    made->fd = connect_to(path);
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

static inline void flush(struct connection *to)
{
    for (size_t sent = 0; sent < to->queued;) {
        ssize_t bytes = write(to->fd, to->out + sent, to->queued - sent);

        if (bytes < 0 && errno != EINTR)
            fail("write");
        if (bytes > 0)
            sent += bytes;
    }
    to->queued = 0;
}

/* What was not taken yet moves to the front, and more comes behind it. */
static inline void receive(struct connection *from)
{
    ssize_t bytes;

    memmove(from->in, from->in + from->taken, from->received - from->taken);
    from->received -= from->taken;
    from->taken = 0;
    do
        bytes = read(from->fd, from->in + from->received, BUFFER_BYTES - from->received);
    while (bytes < 0 && errno == EINTR);
    if (bytes <= 0)
        fail("the daemon has closed the connection");
    from->received += bytes;
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
