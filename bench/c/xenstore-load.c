/*
 * The client of bench/src/xenstore.bench.ts: one program for every XenStore daemon that is measured.
 *
 *   xenstore-load PLACE fill PREFIX FOLDERS NODES           makes NODES in each of FOLDERS; prints {}
 *   xenstore-load PLACE read|write|directory|transaction PREFIX FOLDERS NODES DEPTH SECONDS
 *
 * PLACE is a socket, or a domain's ring page, whose events come by descriptor 3. A run keeps DEPTH requests (transactions)
 * under way on one connection, asks again as soon as an answer came, and sends all that it asks after one read by one write.
 * It prints {"count": n, "seconds": s, "p50": µs, "p99": µs}; a time is that from the sending of the first request of a unit of work
 * to its last answer. What a read returns is compared with what was written. One transaction is START, READ, WRITE, END.
 */
#include "measure.h"
#include "xenstore-wire.h"
#include "xenstore-times.h"

#define MAX_DEPTH 64

struct lane {
    uint32_t step, tx_id;
    uint64_t began;
};

static const char *prefix;
static unsigned folders, nodes, depth;
static struct lane lanes[MAX_DEPTH];
static const char value[] = "a value of some thirty-two bytes";

/* Every node has its turn, not the one beside the one before. */
static int path_of(char *into, uint64_t number, int whole)
{
    uint64_t mixed = number * 2654435761u;
    unsigned folder = mixed / 65536 % folders, node = mixed / 7 % nodes;

    return sprintf(into, whole ? "%s/%u/%u/%u" : "%s/%u/%u", prefix, folder / 100, folder % 100, node);
}

static void ask_path(struct connection *to, uint32_t type, uint32_t id, uint32_t tx_id, uint64_t number)
{
    char body[256];
    int bytes = path_of(body, number, type != XS_DIRECTORY) + 1;

    if (type == XS_WRITE) {
        memcpy(body + bytes, value, sizeof(value) - 1);
        bytes += sizeof(value) - 1;
    }
    ask(to, type, id, tx_id, body, bytes);
}

/* One request, again and again. */
static void simple_step(struct connection *with, uint32_t type, uint32_t id, uint64_t number)
{
    lanes[id].began = now();
    ask_path(with, type, id, 0, number);
}

static void run_simple(struct connection *with, uint32_t type, uint64_t until)
{
    struct xsd_sockmsg header;
    uint64_t number = 0;

    for (uint32_t id = 0; id < depth; id++)
        simple_step(with, type, id, number++);
    for (uint64_t at = now(); at < until || count < ENOUGH;) {
        flush(with);
        receive(with);
        at = now();
        for (const char *body; (body = next_message(with, &header));) {
            expect(&header, body, type);
            if (type == XS_READ && (header.len != sizeof(value) - 1 || memcmp(body, value, header.len)))
                fail("what was read");
            note(lanes[header.req_id].began, at);
            simple_step(with, type, header.req_id, number++);
        }
    }
}

static const uint32_t steps[] = { XS_TRANSACTION_START, XS_READ, XS_WRITE, XS_TRANSACTION_END };

/* Lanes never share a node, so each transaction commits at the first try where only nodes conflict. */
static void ask_own(struct connection *with, uint32_t type, uint32_t id, uint32_t tx_id)
{
    char body[256];
    int bytes = sprintf(body, "%s/own-%u", prefix, id) + 1;

    if (type == XS_WRITE)
        bytes += sprintf(body + bytes, "%s", value);
    ask(with, type, id, tx_id, body, bytes);
}

static void transaction_step(struct connection *with, uint32_t id)
{
    struct lane *lane = &lanes[id];
    uint32_t type = steps[lane->step];

    if (type == XS_TRANSACTION_START) {
        lane->began = lane->began ? lane->began : now();
        ask(with, type, id, 0, "", 1);
    } else if (type == XS_TRANSACTION_END)
        ask(with, type, id, lane->tx_id, "T", 2);
    else
        ask_own(with, type, id, lane->tx_id);
}

/* What fails with EAGAIN begins again, and its time goes on. */
static void transaction_answer(struct lane *lane, const struct xsd_sockmsg *header, const char *body, uint64_t at)
{
    uint32_t type = steps[lane->step];

    if (type == XS_TRANSACTION_END && is_error(header, body, "EAGAIN")) {
        lane->step = 0;
        return;
    }
    expect(header, body, type);
    if (type == XS_TRANSACTION_START)
        lane->tx_id = strtoul(body, NULL, 10);
    lane->step = (lane->step + 1) % 4;
    if (lane->step != 0)
        return;
    note(lane->began, at);
    lane->began = 0;
}

static void run_transactions(struct connection *with, uint64_t until)
{
    struct xsd_sockmsg header;

    for (uint32_t id = 0; id < depth; id++)
        ask_own(with, XS_WRITE, id, 0);
    await_answers(with, XS_WRITE, depth);
    for (uint32_t id = 0; id < depth; id++)
        transaction_step(with, id);
    for (uint64_t at = now(); at < until || count < ENOUGH;) {
        flush(with);
        receive(with);
        at = now();
        for (const char *body; (body = next_message(with, &header));) {
            transaction_answer(&lanes[header.req_id], &header, body, at);
            transaction_step(with, header.req_id);
        }
    }
}

/* One after the other is enough to make the tree. */
static void fill(struct connection *with)
{
    char body[256];

    for (unsigned folder = 0; folder < folders; folder++) {
        for (unsigned node = 0; node < nodes; node++) {
            int bytes = sprintf(body, "%s/%u/%u/%u", prefix, folder / 100, folder % 100, node) + 1;

            memcpy(body + bytes, value, sizeof(value) - 1);
            ask(with, XS_WRITE, node, 0, body, bytes + sizeof(value) - 1);
        }
        await_answers(with, XS_WRITE, nodes);
    }
}

int main(int argc, char **argv)
{
    struct connection *with;
    uint64_t until;

    if (argc != 6 && argc != 8)
        fail("see the head of xenstore-load.c");
    prefix = argv[3];
    folders = number(argv[4], 1, 1000000);
    nodes = number(argv[5], 1, 1000);
    with = open_connection(argv[1]);
    if (is_ring(with))
        block_on_events();
    if (!strcmp(argv[2], "fill")) {
        fill(with);
        puts("{}");
        return 0;
    }
    depth = number(argv[6], 1, MAX_DEPTH);
    until = begin_counting(atof(argv[7]));
    if (!strcmp(argv[2], "transaction"))
        run_transactions(with, until);
    else if (!strcmp(argv[2], "read"))
        run_simple(with, XS_READ, until);
    else if (!strcmp(argv[2], "write"))
        run_simple(with, XS_WRITE, until);
    else if (!strcmp(argv[2], "directory"))
        run_simple(with, XS_DIRECTORY, until);
    else
        fail("see the head of xenstore-load.c");
    leave(with);
    report();
    return 0;
}
