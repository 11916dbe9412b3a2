/**
 * Sleeps by hypercall in a thread of its own. `argument.told` is an Int32Array that is shared: word 0 counts what was done, word 1
 * is the port to be raised, words 2 on say what came of each.
 */
export const program = async ({ platform, argument }) => {
  const { told } = argument
  const { sched, vcpu } = platform.hypercalls
  const port = platform.events.bindUnboundPort(argument.peer)
  const timer = platform.events.bindVirq(0)
  const note = (value) => {
    const at = Atomics.add(told, 0, 1)
    Atomics.store(told, 2 + at, value)
    Atomics.notify(told, 0)
  }
  Atomics.store(told, 1, port)
  Atomics.notify(told, 1)
  // 1. Until the peer raises the port, which is masked.
  platform.events.mask(port)
  note(Number(sched.blocking.poll([port])))
  // 2. A deadline, and how early it was, in nanoseconds.
  const quiet = platform.events.bindIpi()
  const deadline = vcpu.systemTime() + 20_000_000
  const polled = sched.blocking.poll([quiet], deadline)
  note(polled ? -1 : Math.max(0, deadline - vcpu.systemTime()))
  // 3. The timer's own event ends a block, once the event loop has delivered what came before.
  await new Promise((resolve) => setTimeout(resolve, 100))
  platform.events.listen(timer, () => platform.events.eoi(timer))
  const due = vcpu.systemTime() + 20_000_000
  vcpu.setSingleshotTimer(due)
  sched.blocking.block()
  note(Math.max(0, due - vcpu.systemTime()))
  // 4. Too many ports.
  try {
    sched.blocking.poll(Array.from({ length: 129 }, () => port))
    note(-1)
  } catch {
    note(0)
  }
}
