/* The numbers behind the names, and the errors that travel over XenStore. */
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
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

static void domain_constants(void)
{
    CONSTANT(DOMID_FIRST_RESERVED);
    CONSTANT(DOMID_SELF);
    CONSTANT(VIRQ_TIMER);
    CONSTANT(VIRQ_DEBUG);
    CONSTANT(VIRQ_CONSOLE);
    CONSTANT(VIRQ_DOM_EXC);
    CONSTANT(VIRQ_XENOPROF);
    CONSTANT(VIRQ_CON_RING);
    CONSTANT(VIRQ_XENPMU);
    CONSTANT(NR_VIRQS);
    CONSTANT(SIF_PRIVILEGED);
    CONSTANT(SIF_INITDOMAIN);
    CONSTANT(SIF_MULTIBOOT_MOD);
    CONSTANT(SIF_MOD_START_PFN);
    CONSTANT(SIF_VIRT_P2M_4TOOLS);
    CONSTANT(SIF_PM_MASK);
    CONSTANT(MAX_GUEST_CMDLINE);
    CONSTANT(XEN_LEGACY_MAX_VCPUS);
    CONSTANT(EVTCHN_2L_NR_CHANNELS);
    CONSTANT(EVTCHN_FIFO_NR_CHANNELS);
    CONSTANT(EVTCHN_FIFO_LINK_BITS);
    CONSTANT(EVTCHN_FIFO_MAX_QUEUES);
    CONSTANT(EVTCHN_FIFO_PRIORITY_MAX);
    CONSTANT(EVTCHN_FIFO_PRIORITY_DEFAULT);
    CONSTANT(EVTCHN_FIFO_PRIORITY_MIN);
    CONSTANT(EVTCHN_FIFO_PENDING);
    CONSTANT(EVTCHN_FIFO_MASKED);
    CONSTANT(EVTCHN_FIFO_LINKED);
    CONSTANT(EVTCHN_FIFO_BUSY);
    CONSTANT(EVTCHN_FIFO_LINK_MASK);
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
    CONSTANT(GNTMAP_device_map);
    CONSTANT(GNTMAP_host_map);
    CONSTANT(GNTMAP_readonly);
    CONSTANT(GNTMAP_application_map);
    CONSTANT(GNTMAP_contains_pte);
    CONSTANT(GNTTAB_CACHE_CLEAN);
    CONSTANT(GNTTAB_CACHE_INVAL);
    CONSTANT(GNTTAB_CACHE_SOURCE_GREF);
    CONSTANT(sizeof(union grant_entry_v2));
    CONSTANT(sizeof(grant_status_t));
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
}

static void xenstore_limits_and_page(void)
{
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
    printf("{\n  \"constants\": {\n");
    domain_constants();
    grant_constants();
    blkif_constants();
    xenbus_constants();
    xenstore_constants();
    xenstore_limits_and_page();
    printf("\n  },\n  \"xsd_errors\": [");
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        printf("%s\"%s\"", i ? ", " : "", xsd_errors[i].errstring);
    printf("]\n}\n");
    return 0;
}
