// A process that waits for a descriptor, as one with an open platform does. Arguments: a named pipe, how to end.
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { LinuxSystemCalls } from '@split-driver/privcmd'

const [path, ending] = isMainThread ? process.argv.slice(2) : workerData
const calls = await LinuxSystemCalls.load()
const fd = calls.open(path, 'read-write')
const bytes = new Uint8Array(1)
let settle
const settled = new Promise((resolve) => {
  settle = resolve
})
const watching = calls.whenReadable(fd, () => {
  calls.read(fd, bytes)
  settle()
  if (ending === 'throw when told') throw new Error('thrown on purpose')
})

const file = join(dirname(path), 'pages')
writeFileSync(file, new Uint8Array(4096))
const range = calls.map(calls.open(file, 'read-write'), 0, 4096, 'writable')
globalThis.kept = [watching, range.memory.mutableBytes(0, 4096)]

/** How many descriptors of this process lead to the pipe. */
const timesOpen = () =>
  readdirSync('/proc/self/fd').filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`) === path
    } catch {
      return false
    }
  }).length

const endings = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('thrown on purpose')
  },
  'run empty': () => {
    watching[Symbol.dispose]()
    calls.unmap(range)
    calls.close(fd)
  },
  'settle a promise': async () => {
    calls.write(fd, bytes)
    await settled
    endings['run empty']()
  },
  'throw when told': () => calls.write(fd, bytes),
  'wait for ever': () => {},
  'terminate a worker': async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: [path, 'tell the parent'] })
    await new Promise((resolve) => worker.once('message', resolve))
    const open = timesOpen()
    await worker.terminate()
    if (timesOpen() !== open - 1) throw new Error('the worker left its descriptor open')
    endings['run empty']()
  },
  'tell the parent': () => parentPort.postMessage('waiting'),
}

if (isMainThread) process.stdout.write('waiting\n')
setTimeout(endings[ending], 50)
