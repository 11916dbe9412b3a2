/** A guest in a thread of its own that does what its argument says; `argument.count` is an Int32Array that all share. */
export const program = async ({ platform, argument, signal, onSuspend }) => {
  const { count, what } = argument
  const { sched } = platform.hypercalls
  Atomics.add(count, 0, 1)
  if (what === 'crash') throw new Error('as it was told')
  if (what === 'power off, and go on') {
    void sched.shutdown('poweroff')
    for (;;) Atomics.add(count, 1, 1)
  }
  if (what === 'reboot') await sched.shutdown('reboot')
  if (what === 'uncaught')
    setTimeout(() => {
      throw new Error('nobody caught me')
    })
  if (what === 'spin') {
    const port = platform.events.bindIpi()
    for (;;) {
      platform.events.notify(port)
      Atomics.add(count, 1, 1)
    }
  }
  if (what === 'suspend')
    onSuspend(async (suspend) => {
      const { how, platform: next } = await suspend()
      await next.xenstore.write('data/resumed', how)
    })
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
}
