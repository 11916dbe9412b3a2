/* What both halves of the preloaded library have in common: domains, their pages and their event channels. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define VIRQ_PORT 1
#define FIRST_DOMAIN_PORT 1000

/* The socket to the hypervisor; a process has one. */
extern int events_fd;

/* Of /dev/xen. @return of open_node, a descriptor, or -1 */
int is_node(const char *path);
int open_node(const char *path, int flags);

static inline const char *inside(char *path, size_t bytes, const char *name)
{
    const char *home = getenv("XENSTORED_SHIM_HOME");
    snprintf(path, bytes, "%s/%s", home ? home : "", name);
    return path;
}

static inline const char *domain_file(char *path, size_t bytes, uint32_t domid)
{
    char name[32];
    snprintf(name, sizeof name, "domain-%u", domid);
    return inside(path, bytes, name);
}

static inline int domain_exists(uint32_t domid)
{
    char path[PATH_MAX];
    return domid == 0 || access(domain_file(path, sizeof path, domid), F_OK) == 0;
}

/* @return -1 with EINVAL, as for any page that cannot be mapped */
static inline int open_domain_page(uint32_t domid)
{
    char path[PATH_MAX];
    int fd = syscall(SYS_openat, AT_FDCWD, domain_file(path, sizeof path, domid), O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) errno = EINVAL;
    return fd;
}

static inline int open_events(int type_flags)
{
    struct sockaddr_un hypervisor = {.sun_family = AF_UNIX};
    inside(hypervisor.sun_path, sizeof hypervisor.sun_path, "hypervisor");
    events_fd = socket(AF_UNIX, SOCK_STREAM | type_flags, 0);
    return connect(events_fd, (struct sockaddr *)&hypervisor, sizeof hypervisor) == 0 ? events_fd : -1;
}

/* An event waits for room in the socket, also where nothing else does. */
static inline int notify_domain(uint32_t port)
{
    struct pollfd room = {.fd = events_fd, .events = POLLOUT};
    while (syscall(SYS_write, events_fd, &port, sizeof port) != sizeof port) {
        if (errno != EAGAIN) return -1;
        poll(&room, 1, -1);
    }
    return 0;
}

/*
 * Nothing is masked here, but every daemon pays the system call that it makes for this on a real host. It needs no descriptor
 * of its own: how a daemon's own are numbered is part of the state that it leaves.
 */
static inline ssize_t unmask(const void *ports, size_t bytes)
{
    return syscall(SYS_write, events_fd, ports, 0) == 0 ? (ssize_t)bytes : -1;
}
