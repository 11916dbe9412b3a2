/* All that is laid out the same for every device: start-of-day, events, grants, XenStore and console. */
#include "example.h"

#define xen_mb() ((void)0)
#define xen_rmb() ((void)0)
#define xen_wmb() ((void)0)

#include <xen/xen.h>
#include <xen/event_channel.h>
#undef xen_wc_sec_hi
#include <xen/foreign/x86_32.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/io/ring.h>
#include <xen/io/xs_wire.h>

DEFINE_XEN_FLEX_RING_AND_INTF(xen_flex);

#define VCPU_TIME_INFO(at)         \
    NUMBER(at version);            \
    NUMBER(at pad0);               \
    NUMBER(at tsc_timestamp);      \
    NUMBER(at system_time);        \
    NUMBER(at tsc_to_system_mul);  \
    NUMBER(at tsc_shift);          \
    NUMBER(at flags)

#define ARCH_VCPU_INFO(at) \
    NUMBER(at cr2);        \
    NUMBER(at pad)

#define VCPU_INFO(at)                 \
    NUMBER(at evtchn_upcall_pending); \
    NUMBER(at evtchn_upcall_mask);    \
    NUMBER(at evtchn_pending_sel);    \
    ARCH_VCPU_INFO(at arch.);         \
    VCPU_TIME_INFO(at time.)

#define ARCH_SHARED_INFO(at)               \
    NUMBER(at max_pfn);                    \
    NUMBER(at pfn_to_mfn_frame_list_list); \
    NUMBER(at nmi_reason);                 \
    NUMBER(at p2m_cr3);                    \
    NUMBER(at p2m_vaddr);                  \
    NUMBER(at p2m_generation)

static void shared_info_page(void)
{
    BEGIN(struct vcpu_time_info);
    VCPU_TIME_INFO();
    END();

    BEGIN(struct arch_vcpu_info);
    ARCH_VCPU_INFO();
    END();

    BEGIN(struct vcpu_info);
    VCPU_INFO();
    END();

    BEGIN(struct arch_shared_info);
    ARCH_SHARED_INFO();
    END();

    BEGIN(struct shared_info);
    EACH(vcpu_info) {
        VCPU_INFO(vcpu_info[i].);
    }
    BYTES(evtchn_pending);
    BYTES(evtchn_mask);
    NUMBER(wc_version);
    NUMBER(wc_sec);
    NUMBER(wc_nsec);
    NUMBER(wc_sec_hi);
    ARCH_SHARED_INFO(arch.);
    END();
}

#define ARCH_VCPU_INFO_32(at) \
    NUMBER(at cr2);           \
    BYTES(at pad)

#define VCPU_INFO_32(at)              \
    NUMBER(at evtchn_upcall_pending); \
    NUMBER(at evtchn_upcall_mask);    \
    NUMBER(at evtchn_pending_sel);    \
    ARCH_VCPU_INFO_32(at arch.);      \
    VCPU_TIME_INFO(at time.)

#define ARCH_SHARED_INFO_32(at)            \
    NUMBER(at max_pfn);                    \
    NUMBER(at pfn_to_mfn_frame_list_list); \
    NUMBER(at nmi_reason);                 \
    NUMBER(at p2m_cr3);                    \
    NUMBER(at p2m_vaddr);                  \
    NUMBER(at p2m_generation);             \
    NUMBER(at wc_sec_hi)

/* What a 32-bit guest finds there. */
static void shared_info_page_32(void)
{
    BEGIN(struct arch_vcpu_info_x86_32);
    ARCH_VCPU_INFO_32();
    END();

    BEGIN(struct vcpu_info_x86_32);
    VCPU_INFO_32();
    END();

    BEGIN(struct arch_shared_info_x86_32);
    ARCH_SHARED_INFO_32();
    END();

    BEGIN(struct shared_info_x86_32);
    EACH(vcpu_info) {
        VCPU_INFO_32(vcpu_info[i].);
    }
    BYTES(evtchn_pending);
    BYTES(evtchn_mask);
    NUMBER(wc_version);
    NUMBER(wc_sec);
    NUMBER(wc_nsec);
    ARCH_SHARED_INFO_32(arch.);
    END();
}

static void event_fifo(void)
{
    BEGIN(struct evtchn_fifo_control_block);
    NUMBER(ready);
    NUMBER(_rsvd);
    BYTES(head);
    END();
}

static void start_info_page(void)
{
    BEGIN(struct start_info);
    TEXT(magic);
    NUMBER(nr_pages);
    NUMBER(shared_info);
    NUMBER(flags);
    NUMBER(store_mfn);
    NUMBER(store_evtchn);
    NUMBER(console.domU.mfn);
    NUMBER(console.domU.evtchn);
    NUMBER(pt_base);
    NUMBER(nr_pt_frames);
    NUMBER(mfn_list);
    NUMBER(mod_start);
    NUMBER(mod_len);
    TEXT(cmd_line);
    NUMBER(first_p2m_pfn);
    NUMBER(nr_p2m_frames);
    END();
}

/* The same page of a 32-bit guest. */
static void start_info_page_32(void)
{
    BEGIN(struct start_info_x86_32);
    TEXT(magic);
    NUMBER(nr_pages);
    NUMBER(shared_info);
    NUMBER(flags);
    NUMBER(store_mfn);
    NUMBER(store_evtchn);
    NUMBER(console.domU.mfn);
    NUMBER(console.domU.evtchn);
    NUMBER(pt_base);
    NUMBER(nr_pt_frames);
    NUMBER(mfn_list);
    NUMBER(mod_start);
    NUMBER(mod_len);
    TEXT(cmd_line);
    NUMBER(first_p2m_pfn);
    NUMBER(nr_p2m_frames);
    END();
}

/* The three readings of union grant_entry_v2, as structs of their own. */
typedef __typeof__(((union grant_entry_v2 *)0)->full_page) grant_entry_v2_full_page;
typedef __typeof__(((union grant_entry_v2 *)0)->sub_page) grant_entry_v2_sub_page;
typedef __typeof__(((union grant_entry_v2 *)0)->transitive) grant_entry_v2_transitive;

static void grants(void)
{
    BEGIN(struct grant_entry_v1);
    NUMBER(flags);
    NUMBER(domid);
    NUMBER(frame);
    END();

    BEGIN(struct grant_entry_header);
    NUMBER(flags);
    NUMBER(domid);
    END();

    BEGIN(grant_entry_v2_full_page);
    NUMBER(hdr.flags);
    NUMBER(hdr.domid);
    NUMBER(frame);
    END();

    BEGIN(grant_entry_v2_sub_page);
    NUMBER(hdr.flags);
    NUMBER(hdr.domid);
    NUMBER(page_off);
    NUMBER(length);
    NUMBER(frame);
    END();

    BEGIN(grant_entry_v2_transitive);
    NUMBER(hdr.flags);
    NUMBER(hdr.domid);
    NUMBER(trans_domid);
    NUMBER(gref);
    END();
}

static void byte_rings(void)
{
    BEGIN(struct xencons_interface);
    BYTES(in);
    BYTES(out);
    NUMBER(in_cons);
    NUMBER(in_prod);
    NUMBER(out_cons);
    NUMBER(out_prod);
    END();

    BEGIN(struct xenstore_domain_interface);
    BYTES(req);
    BYTES(rsp);
    NUMBER(req_cons);
    NUMBER(req_prod);
    NUMBER(rsp_cons);
    NUMBER(rsp_prod);
    NUMBER(server_features);
    NUMBER(connection);
    NUMBER(error);
    END();

    /* Up to its open array of grant references. */
    BEGIN(struct xen_flex_data_intf);
    NUMBER(in_cons);
    NUMBER(in_prod);
    NUMBER(out_cons);
    NUMBER(out_prod);
    NUMBER(ring_order);
    END();
}

static void xenstore_message(void)
{
    BEGIN(struct xsd_sockmsg);
    NUMBER(type);
    NUMBER(req_id);
    NUMBER(tx_id);
    NUMBER(len);
    END();
}

int main(void)
{
    printf("{\n  \"layouts\": {\n");
    shared_info_page();
    shared_info_page_32();
    event_fifo();
    start_info_page();
    start_info_page_32();
    grants();
    byte_rings();
    xenstore_message();
    printf("\n  }\n}\n");
    return 0;
}
