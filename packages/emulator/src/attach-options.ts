/** How the code of a domain holds on to its hypervisor: which of the interfaces that Xen offers side by side it takes. */
export interface AttachOptions {
  /** Default `two-level`. */
  readonly eventAbi?: 'two-level' | 'fifo'
  /**
   * `event-loop`: events are delivered between other work of the thread. `blocking`: only while the thread sleeps in
   * `waitForEvents`. Default `event-loop`.
   */
  readonly delivery?: 'event-loop' | 'blocking'
  /** Form of the domain's grant table. Default 1. */
  readonly grantVersion?: 1 | 2
}
