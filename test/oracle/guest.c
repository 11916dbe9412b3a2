/* The hypercalls of a guest's life: scheduling, version, timers, HVM parameters. */
#include "example.h"

#define __XEN_TOOLS__ 1

#include <xen/xen.h>
#include <xen/features.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/hvm_op.h>

/* The address that a guest handle holds. */
#define HANDLE(member)                                                                              \
    do {                                                                                            \
        example.member.p = (void *)(uintptr_t)next_value(sizeof(example.member));                   \
        print_place(#member, i, OFFSET(member), sizeof(example.member));                            \
        printf(", \"value\": \"%llu\" }", (unsigned long long)(uintptr_t)example.member.p);         \
    } while (0)

static void scheduling(void)
{
    BEGIN(struct sched_shutdown);
    NUMBER(reason);
    END();

    BEGIN(struct sched_poll);
    HANDLE(ports);
    NUMBER(nr_ports);
    NUMBER(timeout);
    END();

    BEGIN(struct sched_remote_shutdown);
    NUMBER(domain_id);
    NUMBER(reason);
    END();

    BEGIN(struct sched_watchdog);
    NUMBER(id);
    NUMBER(timeout);
    END();
}

static void vcpus(void)
{
    BEGIN(struct vcpu_set_singleshot_timer);
    NUMBER(timeout_abs_ns);
    NUMBER(flags);
    END();

    BEGIN(struct vcpu_runstate_info);
    NUMBER(state);
    NUMBER(state_entry_time);
    BYTES(time);
    END();
}

static void version(void)
{
    BEGIN(struct xen_compile_info);
    TEXT(compiler);
    TEXT(compile_by);
    TEXT(compile_domain);
    TEXT(compile_date);
    END();

    BEGIN(struct xen_platform_parameters);
    NUMBER(virt_start);
    END();
}

static void hvm(void)
{
    BEGIN(struct xen_hvm_param);
    NUMBER(domid);
    NUMBER(pad);
    NUMBER(index);
    NUMBER(value);
    END();
}

static void operations(void)
{
    CONSTANT(SCHEDOP_yield);
    CONSTANT(SCHEDOP_block);
    CONSTANT(SCHEDOP_shutdown);
    CONSTANT(SCHEDOP_poll);
    CONSTANT(SCHEDOP_remote_shutdown);
    CONSTANT(SCHEDOP_shutdown_code);
    CONSTANT(SCHEDOP_watchdog);
    CONSTANT(SCHEDOP_pin_override);
    CONSTANT(VCPUOP_initialise);
    CONSTANT(VCPUOP_up);
    CONSTANT(VCPUOP_down);
    CONSTANT(VCPUOP_is_up);
    CONSTANT(VCPUOP_get_runstate_info);
    CONSTANT(VCPUOP_register_runstate_memory_area);
    CONSTANT(VCPUOP_set_periodic_timer);
    CONSTANT(VCPUOP_stop_periodic_timer);
    CONSTANT(VCPUOP_set_singleshot_timer);
    CONSTANT(VCPUOP_stop_singleshot_timer);
    CONSTANT(VCPUOP_register_vcpu_info);
    CONSTANT(VCPUOP_send_nmi);
    CONSTANT(VCPUOP_get_physid);
    CONSTANT(VCPUOP_register_vcpu_time_memory_area);
    CONSTANT(VCPU_SSHOTTMR_future);
    CONSTANT(RUNSTATE_running);
    CONSTANT(RUNSTATE_runnable);
    CONSTANT(RUNSTATE_blocked);
    CONSTANT(RUNSTATE_offline);
    CONSTANT(HVMOP_set_param);
    CONSTANT(HVMOP_get_param);
    CONSTANT(CONSOLEIO_write);
    CONSTANT(CONSOLEIO_read);
}

static void version_and_features(void)
{
    CONSTANT(XENVER_version);
    CONSTANT(XENVER_extraversion);
    CONSTANT(XENVER_compile_info);
    CONSTANT(XENVER_capabilities);
    CONSTANT(XENVER_changeset);
    CONSTANT(XENVER_platform_parameters);
    CONSTANT(XENVER_get_features);
    CONSTANT(XENVER_pagesize);
    CONSTANT(XENVER_guest_handle);
    CONSTANT(XENVER_commandline);
    CONSTANT(XENVER_build_id);
    CONSTANT(sizeof(xen_changeset_info_t));
    CONSTANT(sizeof(xen_commandline_t));
    CONSTANT(XENFEAT_writable_page_tables);
    CONSTANT(XENFEAT_writable_descriptor_tables);
    CONSTANT(XENFEAT_auto_translated_physmap);
    CONSTANT(XENFEAT_supervisor_mode_kernel);
    CONSTANT(XENFEAT_pae_pgdir_above_4gb);
    CONSTANT(XENFEAT_mmu_pt_update_preserve_ad);
    CONSTANT(XENFEAT_highmem_assist);
    CONSTANT(XENFEAT_gnttab_map_avail_bits);
    CONSTANT(XENFEAT_hvm_callback_vector);
    CONSTANT(XENFEAT_hvm_safe_pvclock);
    CONSTANT(XENFEAT_hvm_pirqs);
    CONSTANT(XENFEAT_dom0);
    CONSTANT(XENFEAT_memory_op_vnode_supported);
    CONSTANT(XENFEAT_ARM_SMCCC_supported);
    CONSTANT(XENFEAT_linux_rsdp_unrestricted);
    CONSTANT(XENFEAT_not_direct_mapped);
    CONSTANT(XENFEAT_direct_mapped);
    CONSTANT(XENFEAT_NR_SUBMAPS);
}

int main(void)
{
    printf("{\n  \"layouts\": {\n");
    scheduling();
    vcpus();
    version();
    hvm();
    printf("\n  },\n  \"constants\": {\n");
    operations();
    version_and_features();
    printf("\n  }\n}\n");
    return 0;
}
