import { DOM0, type Domid } from '@split-driver/abi'
import { type BlkifBackend, BlkifBackendBus, type BlkifBackendStats } from '@split-driver/blkif'
import { FileBlockStore } from '@split-driver/blkif/node'
import { ConsoleDaemon, PrintableText } from '@split-driver/console'
import type { Program } from '@split-driver/emulator'
import { MessagePortChannel } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'

/** What the host passes to the control domain. */
export interface Dom0Argument {
  /** The toolstack's connection to XenStore comes in here. */
  readonly toolstack: MessagePort
  /** Where the control domain tells the host what happens. */
  readonly operator: MessagePort
}

/** What the control domain tells the host; `dom0-ended` is told of it. */
export type Dom0Message =
  | { readonly about: 'console'; readonly domid: Domid; readonly line: string }
  | { readonly about: 'console-closed'; readonly domid: Domid }
  | { readonly about: 'disk-closed'; readonly path: string; readonly stats: BlkifBackendStats }
  | { readonly about: 'fault' | 'dom0-ended'; readonly what: string }

/** The control domain: XenStore, every guest's console, every guest's disks. */
export const program: Program = async ({ platform, argument, signal }) => {
  const { toolstack, operator } = argument as Dom0Argument
  const tell = (message: Dom0Message) => operator.postMessage(message)
  const fault = (what: string) => (error: Error) => tell({ about: 'fault', what: `${what}: ${error.message}` })

  using xenstored = new XenstoreServer(platform)
  xenstored.accept(new MessagePortChannel(toolstack), { domid: DOM0, privileged: true })

  const disks = new BlkifBackendBus(platform, {
    openStore: ({ params, mode }) => FileBlockStore.open(params, { readOnly: mode === 'r' }),
  })
  disks.on('device', (disk) => disk.on('error', fault(disk.path)))
  disks.on('device-closed', (disk) =>
    tell({ about: 'disk-closed', path: disk.path, stats: (disk as BlkifBackend).stats }),
  )
  disks.on('error', fault('block backend'))
  await using _disks = await disks.open()

  await using consoles = await ConsoleDaemon.start({ platform })
  consoles.on('error', (error, domid) => fault(`console of domain ${domid ?? 'any'}`)(error))
  consoles.on('connect', async (console) => {
    for await (const line of linesOf(console.attachReader())) tell({ about: 'console', domid: console.domid, line })
    tell({ about: 'console-closed', domid: console.domid })
  })

  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  operator.close()
}

/** What a guest wrote is made safe for a terminal before anybody sees it. */
async function* linesOf(output: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const text = new PrintableText()
  let rest = ''
  for await (const bytes of output) {
    const lines = (rest + text.push(bytes)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  rest += text.end()
  if (rest !== '') yield rest
}
