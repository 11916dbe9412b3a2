/**
 * The kernel of a small guest: a shell on its console, and its disk xvda, if it has one. `split-driver create` loads it as
 * the configuration's `kernel`; a machine runs it in a worker thread of its own.
 */
import { BlkifFrontend } from '@split-driver/blkif'
import { ConsoleFrontend } from '@split-driver/console'

const SECTOR_BYTES = 512
const HELP = 'help · uptime · echo TEXT · printk TEXT · disk · write SECTOR TEXT · read SECTOR · crash · halt'

/** @type {import('@split-driver/emulator').Program} */
export const program = async ({ platform, signal }) => {
  const terminal = new ConsoleFrontend({ ...platform.console, events: platform.events })
  const disk = await openDisk(platform)
  await terminal.line(
    `domain ${platform.domid} is up: ${platform.start.pages / 256} MiB, "${platform.start.commandLine}"`,
  )
  await terminal.line(disk === undefined ? 'no disk' : `xvda: ${disk.sectorCount} sectors`)
  await terminal.line(HELP)
  await shell(terminal, { platform, disk, signal })
  await disk?.flush()
  await disk?.close()
  await terminal.line('halting')
  await terminal.close()
}

/** Only a disk that the toolstack has announced will ever connect. */
const openDisk = async (platform) => {
  const announced = await platform.xenstore.tryRead('device/vbd/51712/backend')
  return announced === undefined ? undefined : BlkifFrontend.open(platform, 'xvda')
}

/** Reads lines and carries them out, until `halt`, or until the domain is asked to shut down. */
const shell = async (terminal, machine) => {
  const asked = new Promise((resolve) => machine.signal.addEventListener('abort', () => resolve(undefined)))
  const lines = linesOf(terminal)
  for (;;) {
    await write(terminal, '# ')
    const next = await Promise.race([lines.next(), asked])
    if (next === undefined || next.done) return
    const [command = '', ...words] = next.value.trim().split(/\s+/)
    if (command === 'halt') return
    if (command !== '') await terminal.line(await answer(command, words, machine))
  }
}

const answer = async (command, words, machine) => {
  const act = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (act === undefined) return `${command}: no such command; ${HELP}`
  try {
    return await act(words, machine)
  } catch (error) {
    if (error instanceof Crash) throw error
    return `${command}: ${error.message}`
  }
}

class Crash extends Error {}

const commands = {
  help: () => HELP,
  uptime: (_, { platform }) => `up ${(platform.clock.now() / 1000).toFixed(1)} s`,
  echo: (words) => words.join(' '),
  printk: (words, { platform }) => {
    platform.hypercalls.consoleIo.write(`${words.join(' ')}\n`)
    return 'see split-driver dmesg'
  },
  disk: (_, { disk }) => {
    const { sectorCount, sectorBytes, features } = expectDisk(disk)
    return `xvda: ${sectorCount} sectors of ${sectorBytes} bytes, flush ${features.flushCache ? 'on' : 'off'}`
  },
  write: async ([sector, ...words], { disk }) => {
    const bytes = new Uint8Array(SECTOR_BYTES)
    new TextEncoder().encodeInto(words.join(' '), bytes)
    await expectDisk(disk).write(Number(sector), bytes)
    await disk.flush()
    return 'written'
  },
  read: async ([sector], { disk }) => {
    const bytes = new Uint8Array(SECTOR_BYTES)
    await expectDisk(disk).read(Number(sector), bytes)
    const end = bytes.indexOf(0)
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? SECTOR_BYTES : end))
  },
  crash: () => {
    throw new Crash('somebody typed crash')
  },
}

const expectDisk = (disk) => {
  if (disk === undefined) throw new Error('this guest has no disk')
  return disk
}

/** What is typed, line by line, echoed as a terminal expects it of whoever reads. */
async function* linesOf(terminal) {
  const decoder = new TextDecoder()
  let line = ''
  for await (const bytes of terminal.readable) {
    for (const key of decoder.decode(bytes, { stream: true })) {
      if (key === '\r' || key === '\n') {
        await write(terminal, '\r\n')
        yield line
        line = ''
      } else if (key === '\b' || key === '\x7f') {
        if (line !== '') await write(terminal, '\b \b')
        line = line.slice(0, -1)
      } else if (key >= ' ') {
        await write(terminal, key)
        line += key
      }
    }
  }
}

const write = async (terminal, text) => {
  const writer = terminal.writable.getWriter()
  await writer.write(new TextEncoder().encode(text))
  writer.releaseLock()
}
