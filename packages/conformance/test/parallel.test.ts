import { domid } from '@split-driver/abi'
import { type Guest, Machine, Toolstack } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { MessagePortChannel, XenStoreClient } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'

const programNamed = (name: string) => ({ href: new URL(`./programs/${name}.mjs`, import.meta.url).href })
const DISK_BYTES = 1 << 20

/** A control domain and guests, each in a worker; this thread is only the toolstack. */
const boot = async (diskCount: number) => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 96 })
  const control = machine.buildControlDomain({ memoryPages: 64 })
  const { port1, port2 } = new MessageChannel()
  const disks = Array.from({ length: diskCount }, () => new SharedArrayBuffer(DISK_BYTES))
  const argument = { toolstack: port2, disks }
  const dom0 = startWorkerThread({
    machine,
    domid: control.domid,
    program: programNamed('dom0'),
    argument,
    transfer: [port2],
  })
  const store = new XenStoreClient(new MessagePortChannel(port1))
  const toolstack = await Toolstack.open(machine, store, control)
  const shutDown = async () => {
    for (const domid of toolstack.domids) await toolstack.destroy(domid)
    store.close()
    dom0.shutdown()
    const exit = await dom0.exited
    return { exit, open: machine.ledger() }
  }
  return { machine, toolstack, shutDown, dom0 }
}

const hammer = async (toolstack: Toolstack, disk: number, argument: object, transfer: Transferable[] = []) => {
  const guest: Guest = await toolstack.create({ name: `hammer-${disk}` })
  await toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { params: String(disk), mode: 'w' } })
  const options = { argument, transfer, startVcpu: startWorkerThread }
  return { guest, vcpu: toolstack.start(guest, programNamed('disk-hammer'), options) }
}

describe('domains in parallel threads', () => {
  test('three guests read back what they wrote, on rings of one, two and eight pages; nothing stays open', async () => {
    const { toolstack, shutDown } = await boot(3)
    const runs = await Promise.all(
      [0, 1, 3].map((ringPageOrder, disk) => hammer(toolstack, disk, { rounds: 40, ringPageOrder })),
    )
    for (const { vcpu } of runs) expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(await shutDown()).toEqual({ exit: { how: 'halted' }, open: [] })
  })

  test('guests that are killed in the middle of I/O leave nothing, and their neighbour does not notice', async () => {
    const { machine, toolstack, shutDown } = await boot(3)
    const { frames, domains, tables } = machine.xen
    // The control domain's table of mappings grows with the most that it ever has, and never shrinks, as Xen's.
    const mappingFrames = () => tables.maptrack.frameCount(domains.find(domid(0)))
    const free = frames.countFree() + mappingFrames()
    const neighbour = await hammer(toolstack, 0, { rounds: 60, ringPageOrder: 0 })
    for (let round = 0; round < 6; round++) {
      const { port1, port2 } = new MessageChannel()
      const argument = { rounds: Number.POSITIVE_INFINITY, ringPageOrder: round % 3, started: port2 }
      const { guest } = await hammer(toolstack, 1 + (round % 2), argument, [port2])
      await new Promise((resolve) => {
        port1.onmessage = resolve
      })
      port1.close()
      await toolstack.destroy(guest.domid)
    }
    expect(await neighbour.vcpu.exited).toEqual({ how: 'halted' })
    expect(await shutDown()).toEqual({ exit: { how: 'halted' }, open: [] })
    expect(frames.countFree() + mappingFrames()).toBe(free)
  })
})
