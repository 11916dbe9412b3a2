/** With blocking delivery no timer of the event loop runs, and VIRQ_TIMER comes all the same. */
export const program = async ({ platform, argument }) => {
  const { vcpu } = platform.hypercalls
  const timer = platform.events.bindVirq(0)
  let rang = 0
  platform.events.listen(timer, () => {
    rang++
    platform.events.eoi(timer)
  })
  const due = vcpu.systemTime() + 20_000_000
  vcpu.setSingleshotTimer(due)
  while (rang === 0 && vcpu.systemTime() < due + 5e9) platform.events.waitForEvents(5_000)
  Atomics.store(argument.told, 0, rang === 1 && vcpu.systemTime() >= due ? 1 : 2)
}
