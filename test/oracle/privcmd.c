/* What a tool in the control domain asks of Linux's device nodes, and of Xen through them. */
#include "example.h"

#define __XEN_TOOLS__ 1

#include <sys/ioctl.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

/* A scalar that C calls a pointer. */
#define POINTER(member)                                                            \
    do {                                                                           \
        example.member = (void *)(uintptr_t)next_value(sizeof(example.member));    \
        print_place(#member, i, OFFSET(member), sizeof(example.member));           \
        printf(", \"value\": \"%llu\" }", (unsigned long long)(uintptr_t)example.member); \
    } while (0)

static void evtchn(void)
{
    BEGIN(struct ioctl_evtchn_bind_virq);
    NUMBER(virq);
    END();

    BEGIN(struct ioctl_evtchn_bind_interdomain);
    NUMBER(remote_domain);
    NUMBER(remote_port);
    END();

    BEGIN(struct ioctl_evtchn_bind_unbound_port);
    NUMBER(remote_domain);
    END();

    BEGIN(struct ioctl_evtchn_unbind);
    NUMBER(port);
    END();

    BEGIN(struct ioctl_evtchn_notify);
    NUMBER(port);
    END();
}

static void gntdev(void)
{
    BEGIN(struct ioctl_gntdev_grant_ref);
    NUMBER(domid);
    NUMBER(ref);
    END();

    BEGIN(struct ioctl_gntdev_map_grant_ref);
    NUMBER(count);
    NUMBER(pad);
    NUMBER(index);
    EACH(refs) {
        NUMBER(refs[i].domid);
        NUMBER(refs[i].ref);
    }
    END();

    BEGIN(struct ioctl_gntdev_unmap_grant_ref);
    NUMBER(index);
    NUMBER(count);
    NUMBER(pad);
    END();

    BEGIN(struct ioctl_gntdev_unmap_notify);
    NUMBER(index);
    NUMBER(action);
    NUMBER(event_channel_port);
    END();

    BEGIN(struct ioctl_gntdev_grant_copy_segment);
    NUMBER(source.foreign.ref);
    NUMBER(source.foreign.offset);
    NUMBER(source.foreign.domid);
    NUMBER(dest.foreign.ref);
    NUMBER(dest.foreign.offset);
    NUMBER(dest.foreign.domid);
    NUMBER(len);
    NUMBER(flags);
    NUMBER(status);
    END();

    BEGIN(struct ioctl_gntdev_grant_copy);
    NUMBER(count);
    POINTER(segments);
    END();
}

static void gntalloc(void)
{
    BEGIN(struct ioctl_gntalloc_alloc_gref);
    NUMBER(domid);
    NUMBER(flags);
    NUMBER(count);
    NUMBER(index);
    BYTES(gref_ids);
    END();

    BEGIN(struct ioctl_gntalloc_dealloc_gref);
    NUMBER(index);
    NUMBER(count);
    END();

    BEGIN(struct ioctl_gntalloc_unmap_notify);
    NUMBER(index);
    NUMBER(action);
    NUMBER(event_channel_port);
    END();
}

static void hypercalls(void)
{
    BEGIN(struct privcmd_hypercall);
    NUMBER(op);
    BYTES(arg);
    END();

    BEGIN(struct xen_feature_info);
    NUMBER(submap_idx);
    NUMBER(submap);
    END();

    BEGIN(struct evtchn_status);
    NUMBER(dom);
    NUMBER(port);
    NUMBER(status);
    NUMBER(vcpu);
    NUMBER(u.interdomain.dom);
    NUMBER(u.interdomain.port);
    END();

    BEGIN(struct xen_sysctl);
    NUMBER(cmd);
    NUMBER(interface_version);
    NUMBER(u.getdomaininfolist.first_domain);
    NUMBER(u.getdomaininfolist.max_domains);
    POINTER(u.getdomaininfolist.buffer.p);
    NUMBER(u.getdomaininfolist.num_domains);
    END();

    /* Up to what each architecture has of its own. */
    BEGIN(struct xen_domctl_getdomaininfo);
    NUMBER(domain);
    NUMBER(flags);
    NUMBER(tot_pages);
    NUMBER(max_pages);
    NUMBER(outstanding_pages);
    NUMBER(shr_pages);
    NUMBER(paged_pages);
    NUMBER(shared_info_frame);
    NUMBER(cpu_time);
    NUMBER(nr_online_vcpus);
    NUMBER(max_vcpu_id);
    NUMBER(ssidref);
    BYTES(handle);
    NUMBER(cpupool);
    END();
}

static void node_constants(void)
{
    CONSTANT(IOCTL_EVTCHN_BIND_VIRQ);
    CONSTANT(IOCTL_EVTCHN_BIND_INTERDOMAIN);
    CONSTANT(IOCTL_EVTCHN_BIND_UNBOUND_PORT);
    CONSTANT(IOCTL_EVTCHN_UNBIND);
    CONSTANT(IOCTL_EVTCHN_NOTIFY);
    CONSTANT(IOCTL_EVTCHN_RESET);
    CONSTANT(sizeof(evtchn_port_t));
    CONSTANT(IOCTL_GNTDEV_MAP_GRANT_REF);
    CONSTANT(IOCTL_GNTDEV_UNMAP_GRANT_REF);
    CONSTANT(IOCTL_GNTDEV_SET_UNMAP_NOTIFY);
    CONSTANT(IOCTL_GNTDEV_GRANT_COPY);
    CONSTANT(IOCTL_GNTALLOC_ALLOC_GREF);
    CONSTANT(IOCTL_GNTALLOC_DEALLOC_GREF);
    CONSTANT(IOCTL_GNTALLOC_SET_UNMAP_NOTIFY);
    CONSTANT(IOCTL_PRIVCMD_HYPERCALL);
    CONSTANT(UNMAP_NOTIFY_CLEAR_BYTE);
    CONSTANT(UNMAP_NOTIFY_SEND_EVENT);
    CONSTANT(GNTALLOC_FLAG_WRITABLE);
    CONSTANT(GNTCOPY_source_gref);
    CONSTANT(GNTCOPY_dest_gref);
}

static void hypercall_constants(void)
{
    CONSTANT(__HYPERVISOR_xen_version);
    CONSTANT(__HYPERVISOR_event_channel_op);
    CONSTANT(__HYPERVISOR_sysctl);
    CONSTANT(XENVER_version);
    CONSTANT(XENVER_extraversion);
    CONSTANT(XENVER_capabilities);
    CONSTANT(XENVER_get_features);
    CONSTANT(sizeof(xen_extraversion_t));
    CONSTANT(sizeof(xen_capabilities_info_t));
    CONSTANT(EVTCHNOP_status);
    CONSTANT(EVTCHNSTAT_closed);
    CONSTANT(EVTCHNSTAT_unbound);
    CONSTANT(EVTCHNSTAT_interdomain);
    CONSTANT(EVTCHNSTAT_pirq);
    CONSTANT(EVTCHNSTAT_virq);
    CONSTANT(EVTCHNSTAT_ipi);
    CONSTANT(offsetof(struct evtchn_status, u.virq));
    CONSTANT(offsetof(struct evtchn_status, u.pirq));
    CONSTANT(XEN_SYSCTL_INTERFACE_VERSION);
    CONSTANT(XEN_SYSCTL_getdomaininfolist);
    CONSTANT(XEN_DOMINF_dying);
    CONSTANT(XEN_DOMINF_hvm_guest);
    CONSTANT(XEN_DOMINF_shutdown);
    CONSTANT(XEN_DOMINF_paused);
    CONSTANT(XEN_DOMINF_blocked);
    CONSTANT(XEN_DOMINF_running);
    CONSTANT(XEN_DOMINF_shutdownshift);
    CONSTANT(SHUTDOWN_poweroff);
    CONSTANT(SHUTDOWN_reboot);
    CONSTANT(SHUTDOWN_suspend);
    CONSTANT(SHUTDOWN_crash);
    CONSTANT(SHUTDOWN_watchdog);
    CONSTANT(SHUTDOWN_soft_reset);
}

int main(void)
{
    printf("{\n  \"layouts\": {\n");
    evtchn();
    gntdev();
    gntalloc();
    hypercalls();
    printf("\n  },\n  \"constants\": {\n");
    node_constants();
    hypercall_constants();
    printf("\n  }\n}\n");
    return 0;
}
