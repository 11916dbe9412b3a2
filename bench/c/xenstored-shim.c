/*
 * What Xen's own XenStore daemons ask of the hypervisor and of dom0's kernel, answered on plain Linux. Built as a shared
 * library and preloaded into xenstored or oxenstored, which then serve as they would on a real host:
 *
 *  - a domain exists while $XENSTORED_SHIM_HOME/domain-<domid> does; that file is its ring page, shared by mmap;
 *  - event channels are words of four bytes, the daemon's local port, over the Unix socket hypervisor in that folder:
 *    a word from there is an event for the daemon, a word to there one that the daemon sends;
 *  - whatever a daemon would write to or read from a fixed place of the system lies in that folder, too.
 *
 * What a daemon asks of Xen's libraries is answered here; what it asks of the kernel's nodes itself, in xen-nodes.c.
 *
 * No function of the C library younger than glibc 2.17 is used: the daemons run with the library of their own packages,
 * which can be older than the compiler's.
 */
#define _GNU_SOURCE
#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "xenstored-shim.h"

/* A handle is only ever handed back: its address is all that counts, but for the event channels' file descriptor. */
static int some_handle;
int events_fd = -1;

/* The folders that are fixed in the daemons' code; their files do not share a name. */
static int is_fixed_place(const char *path)
{
    static const char *const places[] = {"/proc/xen/", "/var/run/xen", "/run/xen", "/var/log/xen", "/var/lib/xen"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0) return 1;
    return 0;
}

static const char *moved(char *place, size_t bytes, const char *path)
{
    return is_fixed_place(path) ? inside(place, bytes, strrchr(path, '/') + 1) : path;
}

int open(const char *path, int flags, ...)
{
    char place[PATH_MAX];
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (is_node(path)) return open_node(path, flags);
    return syscall(SYS_openat, AT_FDCWD, moved(place, sizeof place, path), flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open(path, flags | O_LARGEFILE, mode);
}

int unlink(const char *path)
{
    char place[PATH_MAX];
    return syscall(SYS_unlinkat, AT_FDCWD, moved(place, sizeof place, path), 0);
}

int mkdir(const char *path, mode_t mode)
{
    return is_fixed_place(path) ? 0 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    const struct sockaddr_un *wanted = (const struct sockaddr_un *)address;
    if (address->sa_family != AF_UNIX || !is_fixed_place(wanted->sun_path))
        return syscall(SYS_bind, fd, address, bytes);
    struct sockaddr_un ours = {.sun_family = AF_UNIX};
    moved(ours.sun_path, sizeof ours.sun_path, wanted->sun_path);
    return syscall(SYS_bind, fd, &ours, sizeof ours);
}

/* oxenstored wants more file descriptors than a user may have, and would not start without. */
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    syscall(SYS_prlimit64, 0, resource, limit, NULL);
    return 0;
}

static void *map_domain_page(uint32_t domid)
{
    int fd = open_domain_page(domid);
    if (fd < 0) return NULL;
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger, unsigned open_flags)
{
    (void)logger;
    (void)dombuild_logger;
    (void)open_flags;
    return (xc_interface *)&some_handle;
}

int xc_interface_close(xc_interface *xch)
{
    (void)xch;
    return 0;
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first_domid, unsigned int max_doms, xc_dominfo_t *info)
{
    (void)xch;
    if (max_doms == 0 || !domain_exists(first_domid)) return 0;
    memset(info, 0, sizeof *info);
    info->domid = first_domid;
    info->running = 1;
    return 1;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first_domain, unsigned int max_domains, xc_domaininfo_t *info)
{
    (void)xch;
    if (max_domains == 0 || !domain_exists(first_domain)) return 0;
    memset(info, 0, sizeof *info);
    info->domain = first_domain;
    info->flags = XEN_DOMINF_running;
    return 1;
}

void *xc_map_foreign_range(xc_interface *xch, uint32_t dom, int size, int prot, unsigned long mfn)
{
    (void)xch;
    (void)size;
    (void)prot;
    (void)mfn;
    return map_domain_page(dom);
}

xengnttab_handle *xengnttab_open(xentoollog_logger *logger, unsigned open_flags)
{
    (void)logger;
    (void)open_flags;
    return (xengnttab_handle *)&some_handle;
}

int xengnttab_close(xengnttab_handle *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void)xgt;
    (void)nr_grants;
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    (void)xgt;
    (void)ref;
    (void)prot;
    return map_domain_page(domid);
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    (void)xgt;
    return munmap(start_address, count * PAGE_BYTES);
}

xenevtchn_handle *xenevtchn_open(xentoollog_logger *logger, unsigned int flags)
{
    (void)logger;
    (void)flags;
    return open_events(0) < 0 ? NULL : (xenevtchn_handle *)&some_handle;
}

xenevtchn_handle *xenevtchn_fdopen(xentoollog_logger *logger, int fd, unsigned open_flags)
{
    (void)logger;
    (void)open_flags;
    events_fd = fd;
    return (xenevtchn_handle *)&some_handle;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
    (void)xce;
    return close(events_fd);
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
    (void)xce;
    return events_fd;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    return notify_domain(port);
}

/* Whoever started the daemon is gone when the socket ends, and then nobody is left to end the daemon. */
xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
    (void)xce;
    evtchn_port_t port;
    if (recv(events_fd, &port, sizeof port, MSG_WAITALL) != sizeof port) _exit(0);
    return port;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid, evtchn_port_t remote_port)
{
    (void)xce;
    (void)remote_port;
    return FIRST_DOMAIN_PORT + domid;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
    (void)xce;
    (void)virq;
    return VIRQ_PORT;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    (void)port;
    return 0;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    return unmask(&port, sizeof port) == sizeof port ? 0 : -1;
}
