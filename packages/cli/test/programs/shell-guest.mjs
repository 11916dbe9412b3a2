/**
 * A guest for tests: says a line, uses its disk if it has one, and does what is typed, letter by letter: h halts, c
 * crashes. Shuts down when it is asked to.
 */
import { BlkifFrontend } from '@split-driver/blkif'
import { ConsoleFrontend } from '@split-driver/console'

export const program = async ({ platform, signal }) => {
  const terminal = new ConsoleFrontend({ ...platform.console, events: platform.events })
  platform.hypercalls.consoleIo.write(`early words of ${platform.domid}\n`)
  await terminal.line(`up, "${platform.start.commandLine}"`)
  const hasDisk = (await platform.xenstore.tryRead('device/vbd/51712/backend')) !== undefined
  const disk = hasDisk ? await BlkifFrontend.open(platform, 'xvda') : undefined
  if (disk) {
    await disk.write(0, new TextEncoder().encode(`written by ${platform.domid}`.padEnd(512)))
    await disk.flush()
    await terminal.line(`xvda: ${disk.sectorCount} sectors`)
  }
  await Promise.race([keys(terminal), new Promise((resolve) => signal.addEventListener('abort', resolve))])
  await disk?.close()
  await terminal.line('down')
  await terminal.close()
}

const keys = async (terminal) => {
  for await (const bytes of terminal.readable)
    for (const key of new TextDecoder().decode(bytes)) {
      await terminal.line(`key ${key}`)
      if (key === 'h') return
      if (key === 'c') throw new Error('crashed as it was told')
    }
}
