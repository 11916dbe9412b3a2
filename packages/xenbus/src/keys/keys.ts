/** Keys that every device has, whatever it is. @see docs/misc/xenstore-paths.pandoc, xen/include/public/io/xenbus.h */
export const KEY = {
  /** One of `XenbusState`, in decimal; in both halves' directories. */
  state: 'state',
  /** In the frontend's directory: the backend's directory and domain. */
  backend: 'backend',
  backendId: 'backend-id',
  /** In the backend's directory: the frontend's directory and domain. */
  frontend: 'frontend',
  frontendId: 'frontend-id',
  /** In the backend's directory, by the toolstack: 1 as long as the device shall come back after it was closed. */
  online: 'online',
  /** Below `error/<device's path>`: why a device failed. */
  error: 'error',
} as const
