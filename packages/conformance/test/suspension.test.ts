import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
import { ConsoleDaemon, ConsoleFrontend } from '@split-driver/console'
import { EmulatedHost, type EmulatedPlatform } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, test } from 'vitest'

/** Drivers of a guest, as it opens them on each platform that it runs on. */
const open = async (platform: EmulatedPlatform) => ({
  console: new ConsoleFrontend({ ...platform.console, events: platform.events }),
  disk: await BlkifFrontend.open(platform, 'xvda'),
})

const textOf = (daemon: ConsoleDaemon, domid: EmulatedPlatform['domid']): string =>
  new TextDecoder().decode(daemon.get(domid)!.log.bytes())

test.each(['cancelled', 'afresh'] as const)(
  'a guest with console and disk is suspended and goes on, %s',
  async (how) => {
    await using host = await EmulatedHost.boot({ memoryMiB: 64, xenstored: (dom0) => new XenstoreServer(dom0) })
    const { toolstack, dom0, machine } = host
    const store = new MemoryBlockStore(new Uint8Array(1 << 16))
    await using _disks = await new BlkifBackendBus(dom0, { openStore: async () => store }).open()
    await using consoles = await ConsoleDaemon.start({ platform: dom0 })
    const guest = await toolstack.create({ name: 'guest' })
    await toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })
    const written = new Uint8Array(4096).fill(0x5a)
    const vcpu = toolstack.start(guest, async ({ platform, signal, onSuspend }) => {
      let drivers = await open(platform)
      await drivers.disk.write(8, written)
      await drivers.console.line('before')
      onSuspend(async (suspend) => {
        const resumption = await suspend()
        if (resumption.how === 'afresh') drivers = await open(resumption.platform)
        await drivers.console.line(`went on, ${resumption.how}`)
        const read = new Uint8Array(4096)
        await drivers.disk.read(8, read)
        await drivers.console.line(`the disk is ${read.every((byte) => byte === 0x5a) ? 'there' : 'lost'}`)
        await resumption.platform.xenstore.write('data/done', '1')
      })
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await drivers.disk.close()
      await drivers.console[Symbol.asyncDispose]()
    })
    const home = `/local/domain/${guest.domid}`
    const until = async (key: string, value: string): Promise<void> => {
      await using watch = await host.store.watch(`${home}/${key}`)
      for await (const _ of watch) if ((await host.store.tryRead(`${home}/${key}`)) === value) return
    }
    await until('control/feature-suspend', '1')
    await toolstack.suspend(guest.domid)
    await toolstack.resume(guest.domid, how)
    await until('data/done', '1')
    const ended = toolstack.ended(guest.domid)
    await toolstack.shutdown(guest.domid)
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    await ended
    expect(textOf(consoles, guest.domid)).toContain(`went on, ${how}\r\nthe disk is there\r\n`)
    expect(machine.ledger()).toEqual([])
  },
)
