/*
 * The peer of bench/src/ring.bench.ts: the same blkif work through Xen's own ring.h macros.
 *
 *   ring-peer one|two ROUND_TRIPS BATCH     prints {"seconds": s, "wrong": n}
 *
 * Both ends poll one shared page. The frontend fills free slots, BATCH at most, with reads of one segment and publishes
 * them at once; the backend copies the fields in use of BATCH waiting requests at most, validates the copies, answers,
 * and publishes the answers at once; the frontend copies each response and checks id, operation and status.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Without it the headers take us for a program of 2005, which brings barriers of older names. */
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/xen.h>
#include <xen/io/blkif.h>

#define PAGE_BYTES 4096
#define ID_HIGH 0x5eedu
#define DISK_SECTORS (1ull << 40)

#define FETCH(lvalue) (*(volatile __typeof__(lvalue) *)&(lvalue))

static union {
    blkif_sring_t sring;
    char bytes[PAGE_BYTES];
} page __attribute__((aligned(PAGE_BYTES)));

static blkif_front_ring_t front;
static blkif_back_ring_t back;
static uint32_t total, batch, sent, settled, wrong;

static uint32_t at_most(uint32_t count, uint32_t limit) { return count < limit ? count : limit; }

static uint64_t id_of(uint32_t n) { return ((uint64_t)ID_HIGH << 32) | n; }

static void put_requests(void)
{
    uint32_t count = at_most(at_most(RING_FREE_REQUESTS(&front), total - sent), batch);

    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++, sent++) {
        blkif_request_t *req = RING_GET_REQUEST(&front, front.req_prod_pvt);

        req->operation = BLKIF_OP_READ;
        req->nr_segments = 1;
        req->handle = 0;
        req->id = id_of(sent);
        req->sector_number = (uint64_t)sent * 8;
        req->seg[0].gref = 8 + (sent & 31);
        req->seg[0].first_sect = 0;
        req->seg[0].last_sect = 7;
        front.req_prod_pvt++;
    }
    RING_PUSH_REQUESTS(&front);
}

static void take_responses(void)
{
    uint32_t count = XEN_RING_NR_UNCONSUMED_RESPONSES(&front);

    xen_rmb();
    if (count > RING_SIZE(&front))
        abort();
    for (uint32_t i = 0; i < count; i++, settled++) {
        blkif_response_t rsp;

        RING_COPY_RESPONSE(&front, front.rsp_cons, &rsp);
        front.rsp_cons++;
        if (rsp.id != id_of(settled) || rsp.operation != BLKIF_OP_READ || rsp.status != BLKIF_RSP_OKAY)
            wrong++;
    }
}

/* As Linux's backend does for foreign ABIs: header first, then as many segments as the clamped count says. */
static void copy_request(blkif_request_t *dst, blkif_request_t *src)
{
    dst->operation = FETCH(src->operation);
    dst->nr_segments = FETCH(src->nr_segments);
    dst->handle = FETCH(src->handle);
    dst->id = FETCH(src->id);
    dst->sector_number = FETCH(src->sector_number);
    if (dst->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        dst->nr_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    for (unsigned int i = 0; i < dst->nr_segments; i++) {
        dst->seg[i].gref = FETCH(src->seg[i].gref);
        dst->seg[i].first_sect = FETCH(src->seg[i].first_sect);
        dst->seg[i].last_sect = FETCH(src->seg[i].last_sect);
    }
}

static int is_valid(const blkif_request_t *req)
{
    if (req->operation != BLKIF_OP_READ || req->nr_segments == 0)
        return 0;
    if (req->sector_number >= DISK_SECTORS || (req->sector_number & 7) != 0)
        return 0;
    for (unsigned int i = 0; i < req->nr_segments; i++) {
        const struct blkif_request_segment *seg = &req->seg[i];

        if (seg->gref < 8 || seg->first_sect > seg->last_sect || seg->last_sect > 7)
            return 0;
    }
    return 1;
}

static uint32_t serve_requests(void)
{
    uint32_t count = at_most(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), batch);

    xen_rmb();
    if (count == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        blkif_request_t req;
        blkif_response_t *rsp;

        copy_request(&req, RING_GET_REQUEST(&back, back.req_cons));
        back.req_cons++;
        rsp = RING_GET_RESPONSE(&back, back.rsp_prod_pvt);
        rsp->id = req.id;
        rsp->operation = req.operation;
        rsp->status = is_valid(&req) ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR;
        back.rsp_prod_pvt++;
    }
    RING_PUSH_RESPONSES(&back);
    return count;
}

static void *serve(void *unused)
{
    uint32_t served = 0;

    while (served < total)
        served += serve_requests();
    return unused;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double run(int threads)
{
    pthread_t thread;
    double start = now();

    if (threads == 2 && pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    while (settled < total) {
        put_requests();
        if (threads == 1)
            serve_requests();
        take_responses();
    }
    if (threads == 2)
        pthread_join(thread, NULL);
    return now() - start;
}

int main(int argc, char **argv)
{
    double seconds;

    if (argc != 4)
        return 2;
    total = strtoul(argv[2], NULL, 10);
    batch = strtoul(argv[3], NULL, 10);
    XEN_FRONT_RING_INIT(&front, &page.sring, PAGE_BYTES);
    BACK_RING_INIT(&back, &page.sring, PAGE_BYTES);
    seconds = run(strcmp(argv[1], "two") == 0 ? 2 : 1);
    printf("{\"seconds\": %.9f, \"wrong\": %" PRIu32 "}\n", seconds, wrong);
    return 0;
}
