type Koffi = typeof import('koffi')

/** @param status 0, or a negative libuv error: then the handle has stopped */
export type OnPoll = (status: number) => void

/** libuv's poll handle: watches a descriptor in the event loop itself. */
export interface PollHandle {
  start(events: { readonly readable: true }, callback: OnPoll): void
  /** Once. */
  close(): void
}

/** The functions of the C library that Unix sockets need; each returns −1 and sets `errno` when the kernel refuses. */
export interface SocketLibrary {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  listen(fd: number, backlog: number): number
  accept4(fd: number, address: null, length: null, flags: number): number
  recv(fd: number, target: Uint8Array, length: number, flags: number): number
  send(fd: number, source: Uint8Array, length: number, flags: number): number
  close(fd: number): number
  fcntl(fd: number, command: number, argument: number): number
  /** The lists end with a null. Returns only if it fails. */
  execve(file: string, argv: readonly (string | null)[], environment: readonly (string | null)[]): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: Int32Array | null): number
  epoll_wait(epoll: number, events: Int32Array, count: number, milliseconds: number): number
  errno(): number
  watch(fd: number, callback: OnPoll): PollHandle
}

/** Binds the C library of this process; `undefined` where it is not Linux's, or koffi has no binary. */
export const loadSocketLibrary = async (): Promise<SocketLibrary | undefined> => {
  if (process.platform !== 'linux') return undefined
  try {
    return bind((await import('koffi')).default as unknown as Koffi)
  } catch {
    return undefined
  }
}

const bind = (koffi: Koffi): SocketLibrary => {
  const libc = koffi.load(null)
  const watch = koffi.node.poll as unknown as (fd: number, events: object, callback: OnPoll) => PollHandle
  return {
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    bind: libc.func('int bind(int fd, const void *address, unsigned int length)'),
    listen: libc.func('int listen(int fd, int backlog)'),
    accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
    recv: libc.func('long recv(int fd, void *target, size_t length, int flags)'),
    send: libc.func('long send(int fd, const void *source, size_t length, int flags)'),
    close: libc.func('int close(int fd)'),
    fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
    execve: libc.func('int execve(const char *file, const char **argv, const char **environment)'),
    epoll_create1: libc.func('int epoll_create1(int flags)'),
    epoll_ctl: libc.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epoll_wait: libc.func('int epoll_wait(int epoll, void *events, int count, int milliseconds)'),
    errno: () => koffi.errno(),
    watch: (fd, callback) => watch(fd, { readable: true }, callback),
  }
}
