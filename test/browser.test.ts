import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** What a page of a browser offers, and nothing of Node. */
const pageGlobals = () => ({
  AbortController,
  AbortSignal,
  DOMException,
  MessageChannel,
  ReadableStream,
  TextDecoder,
  TextEncoder,
  WritableStream,
  clearTimeout,
  performance,
  queueMicrotask,
  setTimeout,
})

/** A guest with a disk and a console; every core package has a part in it. */
const program = `
  import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
  import { ConsoleDaemon, ConsoleFrontend, printable } from '@split-driver/console'
  import { EmulatedHost } from '@split-driver/emulator'
  import { XenstoreServer } from '@split-driver/xenstored'

  export const run = async (mode) => {
    const host = await EmulatedHost.boot({ mode, memoryMiB: 64, xenstored: (dom0) => new XenstoreServer(dom0) })
    const memory = new Uint8Array(1 << 16)
    const disks = await new BlkifBackendBus(host.dom0, { openStore: async () => new MemoryBlockStore(memory) }).open()
    const consoles = await ConsoleDaemon.start({ platform: host.dom0 })
    const guest = await host.createGuest({ name: 'page' })
    await host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })
    const terminal = new ConsoleFrontend({ ...guest.console, events: guest.events })
    const disk = await BlkifFrontend.open(guest, 'xvda')
    await disk.write(3, new Uint8Array(512).fill(7))
    await disk.flush()
    await terminal.line('written')
    await disk.close()
    await terminal.close()
    await consoles.close()
    await disks.close()
    const log = printable(consoles.get(guest.domid).log.bytes())
    await host[Symbol.asyncDispose]()
    return { bytes: [memory[1535], memory[1536], memory[2047], memory[2048]].join(), log, open: host.machine.ledger().length }
  }
`

test.each(['inline', 'threads'])(
  'the core is bundled for a browser and runs without anything of Node, %s',
  async (mode) => {
    const bundle = await build({
      stdin: { contents: program, resolveDir: import.meta.dirname },
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'page',
      target: 'es2022',
      write: false,
      logLevel: 'silent',
    })
    const page = createContext(pageGlobals())
    // `Symbol.asyncDispose` is Node's own addition in this V8; a page brings a polyfill, as TypeScript's users do.
    runInContext('Symbol.dispose ??= Symbol("dispose"); Symbol.asyncDispose ??= Symbol("asyncDispose")', page)
    runInContext(bundle.outputFiles[0]!.text, page)
    const result = await runInContext(`page.run(${JSON.stringify(mode)})`, page)
    expect(result).toEqual({ bytes: '0,7,7,0', log: 'written\n', open: 0 })
  },
)
