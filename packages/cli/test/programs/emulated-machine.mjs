/**
 * The command line over an emulated machine, in a process of its own so that it can be sent signals. A guest of the
 * machine uses its disk and its console all the time. At the end one line of JSON tells the exit code and what is open.
 */
import { BlkifFrontend } from '@split-driver/blkif'
import { runCommandLine } from '@split-driver/cli'
import { ConsoleFrontend } from '@split-driver/console'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

const host = await EmulatedHost.boot({ mode: 'inline', memoryMiB: 64, xenstored: (dom0) => new XenstoreServer(dom0) })
const guest = await host.createGuest({ name: 'guest', memoryPages: 4096 })
const xvda = { type: 'vbd', id: 51712, backendKeys: { mode: 'w', params: 'root' } }

const useDisk = async () => {
  await host.toolstack.attachDevice(guest, xvda)
  const disk = await BlkifFrontend.open(guest, 'xvda')
  for (let sector = 0; ; sector = (sector + 8) % disk.sectorCount)
    await disk.write(sector, new Uint8Array(4096).fill(1))
}

const useConsole = async () => {
  const terminal = new ConsoleFrontend({ ...guest.console, events: guest.events })
  for await (const bytes of terminal.readable) {
    const writer = terminal.writable.getWriter()
    await writer.write(new TextEncoder().encode(`you typed ${new TextDecoder().decode(bytes)}`))
    writer.releaseLock()
  }
}

// Whatever the guest waits for ends with the machine.
useDisk().catch(() => undefined)
useConsole().catch(() => undefined)

const keepAlive = setInterval(() => undefined, 1000)
const code = await runCommandLine(process.argv.slice(2), {
  openPlatform: async () => host.dom0,
  inspectHost: () => Promise.reject(new Error('an emulated machine has no host to inspect')),
})
clearInterval(keepAlive)
const held = host.machine.ledger().filter(({ domid }) => domid === host.dom0.domid)
process.stdout.write(`${JSON.stringify({ code, held: held.map(({ what }) => what) })}\n`)
process.exit(code)
