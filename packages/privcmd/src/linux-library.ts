import { XenError } from '@split-driver/abi'

/** A C pointer as koffi hands it over. */
export type Pointer = bigint

type Koffi = typeof import('koffi')

/** @param status 0, or a negative libuv error: then the handle has stopped */
export type OnPoll = (status: number) => void

/** Watches a descriptor in the event loop itself: libuv's poll handle. koffi's own declaration leaves out the status. */
export interface PollHandle {
  start(events: { readonly readable: true }, callback: OnPoll): void
  /** Once. */
  close(): void
}

/** The functions of the C library that the nodes need; each returns −1 and sets `errno` when the kernel refuses. */
export interface LinuxLibrary {
  ioctl(fd: number, request: number, argument: Uint8Array): number
  fcntl(fd: number, command: number, argument: number): number
  read(fd: number, target: Uint8Array, length: number): number
  write(fd: number, source: Uint8Array, length: number): number
  mmap(address: null, length: number, protection: number, flags: number, fd: number, offset: number): Pointer
  munmap(address: Pointer, length: number): number
  poll(fds: Uint8Array, count: number, milliseconds: number): number
  errno(): number
  /** A buffer over memory that is not V8's; it lives until it is detached. */
  view(address: Pointer, length: number): ArrayBuffer
  addressOf(bytes: Uint8Array): bigint
  watch(fd: number, callback: OnPoll): PollHandle
}

/**
 * Binds the C library of this process.
 * @throws XenError ENOSYS where koffi has no binary for this platform, or the process is not Linux's
 */
export const loadLinuxLibrary = async (): Promise<LinuxLibrary> => {
  if (process.platform !== 'linux')
    throw new XenError('ENOSYS', `Xen's device nodes are Linux's; this process runs on ${process.platform}`)
  return bind(await importKoffi())
}

const importKoffi = async (): Promise<Koffi> => {
  try {
    return (await import('koffi')).default as unknown as Koffi
  } catch (cause) {
    const host = `${process.platform}/${process.arch}, Node ${process.version}`
    const advice = 'install with optional dependencies: the binary comes in a package of its own for each platform'
    throw new XenError('ENOSYS', `koffi, which calls the C library, has no binary for ${host}; ${advice}`, { cause })
  }
}

/** `ioctl` and `fcntl` are variadic in C; their one further argument travels the same way on the platforms that Xen runs on. */
const bind = (koffi: Koffi): LinuxLibrary => {
  const libc = koffi.load(null)
  const watch = koffi.node.poll as unknown as (fd: number, events: object, callback: OnPoll) => PollHandle
  return {
    ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
    fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
    read: libc.func('long read(int fd, void *target, size_t length)'),
    write: libc.func('long write(int fd, const void *source, size_t length)'),
    mmap: libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)'),
    munmap: libc.func('int munmap(void *address, size_t length)'),
    poll: libc.func('int poll(void *fds, unsigned long count, int milliseconds)'),
    errno: () => koffi.errno(),
    view: (address, length) => koffi.view(address, length),
    addressOf: (bytes) => koffi.address(bytes),
    watch: (fd, callback) => watch(fd, { readable: true }, callback),
  }
}
