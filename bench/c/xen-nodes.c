/*
 * The nodes of /dev/xen, as far as a XenStore daemon needs them that opens them itself, as ours does:
 *
 *  - evtchn is the socket to the hypervisor: what is read there are ports, as they are read from the node;
 *  - gntdev becomes the page of the domain whose grant is to be mapped, where mmap then finds it;
 *  - privcmd knows one hypercall, which asks whether a domain is there; hypercall is memory that it may point to.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/ioctl.h>

#include <xenctrl.h>
#include <xen/sysctl.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#include "xenstored-shim.h"

#define NODES "/dev/xen/"
#define HYPERCALL_BYTES (2 * PAGE_BYTES)

/* Whether events_fd is a node that the daemon reads and writes, not a handle of libxenevtchn. */
static int events_are_node;

int is_node(const char *path)
{
    return strncmp(path, NODES, strlen(NODES)) == 0;
}

static int open_memory(void)
{
    int fd = syscall(SYS_memfd_create, "hypercall", 1 /* MFD_CLOEXEC */);
    return fd < 0 || ftruncate(fd, HYPERCALL_BYTES) < 0 ? -1 : fd;
}

int open_node(const char *path, int flags)
{
    const char *name = path + strlen(NODES);
    if (strcmp(name, "evtchn") == 0) {
        events_are_node = 1;
        return open_events((flags & O_CLOEXEC ? SOCK_CLOEXEC : 0) | (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0));
    }
    if (strcmp(name, "hypercall") == 0) return open_memory();
    if (strcmp(name, "gntdev") == 0 || strcmp(name, "privcmd") == 0)
        return syscall(SYS_openat, AT_FDCWD, "/dev/null", flags, 0);
    errno = ENOENT;
    return -1;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

static int map_grant(int fd, struct ioctl_gntdev_map_grant_ref *map)
{
    if (map->count != 1) return refuse(EINVAL);
    int page = open_domain_page(map->refs[0].domid);
    if (page < 0) return -1;
    map->index = 0;
    int done = dup3(page, fd, O_CLOEXEC);
    close(page);
    return done < 0 ? -1 : 0;
}

static int hypercall(const struct privcmd_hypercall *call)
{
    struct xen_sysctl *sysctl = (struct xen_sysctl *)(uintptr_t)call->arg[0];
    struct xen_sysctl_getdomaininfolist *list = &sysctl->u.getdomaininfolist;

    if (call->op != __HYPERVISOR_sysctl || sysctl->cmd != XEN_SYSCTL_getdomaininfolist) return refuse(ENOSYS);
    if (sysctl->interface_version != XEN_SYSCTL_INTERFACE_VERSION) return refuse(EACCES);
    list->num_domains = list->max_domains > 0 && domain_exists(list->first_domain);
    if (list->num_domains == 0) return 0;
    memset(list->buffer.p, 0, sizeof *list->buffer.p);
    list->buffer.p->domain = list->first_domain;
    list->buffer.p->flags = XEN_DOMINF_running;
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    switch (request) {
    case IOCTL_EVTCHN_BIND_VIRQ:
        return VIRQ_PORT;
    case IOCTL_EVTCHN_BIND_INTERDOMAIN:
        return FIRST_DOMAIN_PORT + ((struct ioctl_evtchn_bind_interdomain *)argument)->remote_domain;
    case IOCTL_EVTCHN_NOTIFY:
        return notify_domain(((struct ioctl_evtchn_notify *)argument)->port);
    case IOCTL_EVTCHN_UNBIND:
    case IOCTL_GNTDEV_UNMAP_GRANT_REF:
        return 0;
    case IOCTL_GNTDEV_MAP_GRANT_REF:
        return map_grant(fd, argument);
    case IOCTL_PRIVCMD_HYPERCALL:
        return hypercall(argument);
    default:
        return syscall(SYS_ioctl, fd, request, argument);
    }
}

/* As xenevtchn_pending: nobody but who started the daemon would end it. */
ssize_t read(int fd, void *target, size_t bytes)
{
    ssize_t got = syscall(SYS_read, fd, target, bytes);
    if (got == 0 && bytes > 0 && events_are_node && fd == events_fd) _exit(0);
    return got;
}

ssize_t write(int fd, const void *source, size_t bytes)
{
    return events_are_node && fd == events_fd ? unmask(source, bytes) : syscall(SYS_write, fd, source, bytes);
}
