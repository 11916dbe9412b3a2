import type { Port } from '@split-driver/abi'
import { Machine, type ProgramModule, startInline } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { describe, expect, test } from 'vitest'

const programNamed = (name: string): ProgramModule => ({
  href: new URL(`../programs/${name}.mjs`, import.meta.url).href,
})

/** A control domain in this thread, and a guest in a worker of its own. */
const boot = async (name: string, more: object = {}) => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 32 })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const { domid } = machine.buildGuest()
  const { port1, port2 } = new MessageChannel()
  const vcpu = startWorkerThread({
    machine,
    domid,
    program: programNamed(name),
    argument: { peer: dom0.domid, answer: port2, ...more },
    transfer: [port2],
  })
  const told = new Promise<{ port: Port }>((resolve) => {
    port1.onmessage = (message) => {
      port1.close()
      resolve(message.data)
    }
  })
  return { machine, dom0, domid, vcpu, told }
}

describe('a domain in a worker thread', () => {
  test('events go back and forth by futex; a shutdown ends it in order', async () => {
    const { machine, dom0, domid, vcpu, told } = await boot('echo-events')
    const port = dom0.events.bindInterdomain(domid, (await told).port)
    let left = 2_000
    await new Promise<void>((resolve) => {
      dom0.events.listen(port, () => {
        dom0.events.eoi(port)
        if (left-- > 0) dom0.events.notify(port)
        else resolve()
      })
    })
    dom0.events.unbind(port)
    vcpu.shutdown()
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(machine.ledger()).toEqual([])
  })

  test('a crash is reported with its error, and what it left open is taken back', async () => {
    const { machine, domid, vcpu } = await boot('echo-events', { crash: true })
    expect(await vcpu.exited).toMatchObject({ how: 'crashed', error: { message: 'as it was told' } })
    expect(machine.ledger()).toHaveLength(1)
    machine.calls.domains.kill(domid)
    machine.calls.domains.reap(domid)
    expect(machine.ledger()).toEqual([])
  })

  test('a module without a program is a crash that says so', async () => {
    const machine = Machine.create({ mode: 'threads', memoryMiB: 32 })
    machine.buildControlDomain()
    const { domid } = machine.buildGuest()
    const program = { href: new URL('../pair.ts', import.meta.url).href.replace('pair.ts', 'programs/none.mjs') }
    const vcpu = startWorkerThread({ machine, domid, program, argument: {}, transfer: [] })
    expect(await vcpu.exited).toMatchObject({ how: 'crashed' })
  })

  test('a function, or a machine of one thread, cannot be put into a worker', () => {
    const machine = Machine.create({ mode: 'inline', memoryMiB: 32 })
    const { domid } = machine.buildControlDomain()
    expect(() => startWorkerThread({ machine, domid, program: async () => {} })).toThrow(/must be a module/)
    expect(() => startWorkerThread({ machine, domid, program: programNamed('spin') })).toThrow(/one thread/)
  })

  test('the same module runs inline', async () => {
    const machine = Machine.create({ mode: 'inline', memoryMiB: 32 })
    const { domid } = machine.buildControlDomain()
    const { port1, port2 } = new MessageChannel()
    const vcpu = startInline({
      machine,
      domid,
      program: programNamed('echo-events'),
      argument: { peer: domid, answer: port2 },
    })
    await new Promise((resolve) => {
      port1.onmessage = resolve
    })
    vcpu.shutdown()
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(machine.ledger()).toEqual([])
  })

  test('E2: killed in the midst of hypercalls, it leaves neither the lock taken nor anything open', async () => {
    for (let round = 0; round < 8; round++) {
      const { machine, dom0, domid, vcpu, told } = await boot('spin')
      await told
      machine.calls.domains.kill(domid)
      await vcpu.kill()
      machine.calls.domains.reap(domid)
      dom0.events.unbind(dom0.events.bindIpi())
      expect(machine.ledger()).toEqual([])
    }
  })
})
