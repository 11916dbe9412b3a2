/* All that is laid out the same for every device: start-of-day, events, grants, XenStore, console; and the constants. */
#include "example.h"

#include <errno.h>

#define xen_mb() ((void)0)
#define xen_rmb() ((void)0)
#define xen_wmb() ((void)0)

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/params.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>
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

static void grants(void)
{
    BEGIN(struct grant_entry_v1);
    NUMBER(flags);
    NUMBER(domid);
    NUMBER(frame);
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

static void domain_constants(void)
{
    CONSTANT(DOMID_FIRST_RESERVED);
    CONSTANT(DOMID_SELF);
    CONSTANT(VIRQ_TIMER);
    CONSTANT(VIRQ_DEBUG);
    CONSTANT(VIRQ_CONSOLE);
    CONSTANT(VIRQ_DOM_EXC);
    CONSTANT(SIF_PRIVILEGED);
    CONSTANT(SIF_INITDOMAIN);
    CONSTANT(SIF_MULTIBOOT_MOD);
    CONSTANT(SIF_MOD_START_PFN);
    CONSTANT(SIF_VIRT_P2M_4TOOLS);
    CONSTANT(SIF_PM_MASK);
    CONSTANT(MAX_GUEST_CMDLINE);
    CONSTANT(XEN_LEGACY_MAX_VCPUS);
    CONSTANT(EVTCHN_2L_NR_CHANNELS);
    CONSTANT(HVM_PARAM_STORE_PFN);
    CONSTANT(HVM_PARAM_STORE_EVTCHN);
    CONSTANT(HVM_PARAM_CONSOLE_PFN);
    CONSTANT(HVM_PARAM_CONSOLE_EVTCHN);
}

static void grant_constants(void)
{
    CONSTANT(GNTTAB_NR_RESERVED_ENTRIES);
    CONSTANT(GNTTAB_RESERVED_CONSOLE);
    CONSTANT(GNTTAB_RESERVED_XENSTORE);
    CONSTANT(GTF_invalid);
    CONSTANT(GTF_permit_access);
    CONSTANT(GTF_accept_transfer);
    CONSTANT(GTF_transitive);
    CONSTANT(GTF_type_mask);
    CONSTANT(GTF_readonly);
    CONSTANT(GTF_reading);
    CONSTANT(GTF_writing);
    CONSTANT(GTF_PWT);
    CONSTANT(GTF_PCD);
    CONSTANT(GTF_PAT);
    CONSTANT(GTF_sub_page);
    CONSTANT(GNTST_okay);
    CONSTANT(GNTST_general_error);
    CONSTANT(GNTST_bad_domain);
    CONSTANT(GNTST_bad_gntref);
    CONSTANT(GNTST_bad_handle);
    CONSTANT(GNTST_bad_virt_addr);
    CONSTANT(GNTST_bad_dev_addr);
    CONSTANT(GNTST_no_device_space);
    CONSTANT(GNTST_permission_denied);
    CONSTANT(GNTST_bad_page);
    CONSTANT(GNTST_bad_copy_arg);
    CONSTANT(GNTST_address_too_big);
    CONSTANT(GNTST_eagain);
    CONSTANT(GNTST_no_space);
}

static void blkif_constants(void)
{
    CONSTANT(BLKIF_OP_READ);
    CONSTANT(BLKIF_OP_WRITE);
    CONSTANT(BLKIF_OP_WRITE_BARRIER);
    CONSTANT(BLKIF_OP_FLUSH_DISKCACHE);
    CONSTANT(BLKIF_OP_RESERVED_1);
    CONSTANT(BLKIF_OP_DISCARD);
    CONSTANT(BLKIF_OP_INDIRECT);
    CONSTANT(BLKIF_RSP_OKAY);
    CONSTANT(BLKIF_RSP_ERROR);
    CONSTANT(BLKIF_RSP_EOPNOTSUPP);
    CONSTANT(BLKIF_MAX_SEGMENTS_PER_REQUEST);
    CONSTANT(BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST);
    CONSTANT(BLKIF_DISCARD_SECURE);
    CONSTANT(VDISK_CDROM);
    CONSTANT(VDISK_REMOVABLE);
    CONSTANT(VDISK_READONLY);
}

static void xenbus_constants(void)
{
    CONSTANT(XenbusStateUnknown);
    CONSTANT(XenbusStateInitialising);
    CONSTANT(XenbusStateInitWait);
    CONSTANT(XenbusStateInitialised);
    CONSTANT(XenbusStateConnected);
    CONSTANT(XenbusStateClosing);
    CONSTANT(XenbusStateClosed);
    CONSTANT(XenbusStateReconfiguring);
    CONSTANT(XenbusStateReconfigured);
}

static void xenstore_constants(void)
{
    CONSTANT(XS_CONTROL);
    CONSTANT(XS_DIRECTORY);
    CONSTANT(XS_READ);
    CONSTANT(XS_GET_PERMS);
    CONSTANT(XS_WATCH);
    CONSTANT(XS_UNWATCH);
    CONSTANT(XS_TRANSACTION_START);
    CONSTANT(XS_TRANSACTION_END);
    CONSTANT(XS_INTRODUCE);
    CONSTANT(XS_RELEASE);
    CONSTANT(XS_GET_DOMAIN_PATH);
    CONSTANT(XS_WRITE);
    CONSTANT(XS_MKDIR);
    CONSTANT(XS_RM);
    CONSTANT(XS_SET_PERMS);
    CONSTANT(XS_WATCH_EVENT);
    CONSTANT(XS_ERROR);
    CONSTANT(XS_IS_DOMAIN_INTRODUCED);
    CONSTANT(XS_RESUME);
    CONSTANT(XS_SET_TARGET);
    CONSTANT(XS_RESET_WATCHES);
    CONSTANT(XS_DIRECTORY_PART);
    CONSTANT(XS_INVALID);
    CONSTANT(XENSTORE_RING_SIZE);
    CONSTANT(XENSTORE_PAYLOAD_MAX);
    CONSTANT(XENSTORE_ABS_PATH_MAX);
    CONSTANT(XENSTORE_REL_PATH_MAX);
    CONSTANT(XENSTORE_SERVER_FEATURE_RECONNECTION);
    CONSTANT(XENSTORE_SERVER_FEATURE_ERROR);
    CONSTANT(XENSTORE_CONNECTED);
    CONSTANT(XENSTORE_RECONNECT);
    CONSTANT(XENSTORE_ERROR_NONE);
    CONSTANT(XENSTORE_ERROR_COMM);
    CONSTANT(XENSTORE_ERROR_RINGIDX);
    CONSTANT(XENSTORE_ERROR_PROTO);
}

int main(void)
{
    printf("{\n  \"layouts\": {\n");
    shared_info_page();
    start_info_page();
    grants();
    byte_rings();
    xenstore_message();
    printf("\n  },\n  \"constants\": {\n");
    domain_constants();
    grant_constants();
    blkif_constants();
    xenbus_constants();
    xenstore_constants();
    printf("\n  },\n  \"xsd_errors\": [");
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        printf("%s\"%s\"", i ? ", " : "", xsd_errors[i].errstring);
    printf("]\n}\n");
    return 0;
}
