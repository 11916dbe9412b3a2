/*
 * The block protocol as one machine lays it out. Compiled twice: as it is, for x86_64; and with ORACLE_X86_32 for the
 * 32-bit machine, whose ABI differs in that no member is aligned to more than 4 bytes. That is #pragma pack(4) here,
 * since a 32-bit C library is rarely installed; generate.mjs has the compiler confirm the result with -m32.
 */
#include "example.h"

#define xen_mb() ((void)0)
#define xen_rmb() ((void)0)
#define xen_wmb() ((void)0)

#include <xen/xen.h>
#include <xen/grant_table.h>

#ifdef ORACLE_X86_32
#pragma pack(push, 4)
#define __i386__ 1
#endif
#include <xen/io/blkif.h>
#ifdef ORACLE_X86_32
#undef __i386__
#pragma pack(pop)
#endif

static void requests(void)
{
    BEGIN(struct blkif_request_segment);
    NUMBER(gref);
    NUMBER(first_sect);
    NUMBER(last_sect);
    END();

    BEGIN(struct blkif_request);
    NUMBER(operation);
    NUMBER(nr_segments);
    NUMBER(handle);
    NUMBER(id);
    NUMBER(sector_number);
    EACH(seg) {
        NUMBER(seg[i].gref);
        NUMBER(seg[i].first_sect);
        NUMBER(seg[i].last_sect);
    }
    END();

    BEGIN(struct blkif_request_discard);
    NUMBER(operation);
    NUMBER(flag);
    NUMBER(handle);
    NUMBER(id);
    NUMBER(sector_number);
    NUMBER(nr_sectors);
    END();

    BEGIN(struct blkif_request_indirect);
    NUMBER(operation);
    NUMBER(indirect_op);
    NUMBER(nr_segments);
    NUMBER(id);
    NUMBER(sector_number);
    NUMBER(handle);
    EACH(indirect_grefs) {
        NUMBER(indirect_grefs[i]);
    }
    END();
}

static void responses_and_ring(void)
{
    BEGIN(struct blkif_response);
    NUMBER(id);
    NUMBER(operation);
    NUMBER(status);
    END();

    BEGIN(union blkif_sring_entry);
    END();

    /* With its first slot, which stays zero. */
    BEGIN(struct blkif_sring);
    NUMBER(req_prod);
    NUMBER(req_event);
    NUMBER(rsp_prod);
    NUMBER(rsp_event);
    END();
}

#define RING_SLOTS(order) (long long)__RING_SIZE((blkif_sring_t *)0, 4096L << (order))

int main(void)
{
    printf("{\n  \"layouts\": {\n");
    requests();
    responses_and_ring();
    printf("\n  },\n  \"constants\": {\n");
    CONSTANT(offsetof(struct blkif_sring, ring));
    CONSTANT(RING_SLOTS(0));
    CONSTANT(RING_SLOTS(1));
    CONSTANT(RING_SLOTS(2));
    CONSTANT(RING_SLOTS(3));
    CONSTANT(RING_SLOTS(4));
    printf("\n  }\n}\n");
    return 0;
}
