/**
 * Where XenStore's daemon of a host has its socket, for itself and for its clients: the place that XENSTORED_PATH names, or
 * `socket` in the folder XENSTORED_RUNDIR, /run/xenstored unless it is set.
 * @see xen/tools/libs/store/xs.c xs_daemon_socket
 */
export const xenstoreSocketPath = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment['XENSTORED_PATH'] ?? `${environment['XENSTORED_RUNDIR'] ?? '/run/xenstored'}/socket`
