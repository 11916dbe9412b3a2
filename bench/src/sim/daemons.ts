import { DOM0, type XenError } from '@split-driver/abi'
import { BlkifBackendBus } from '@split-driver/blkif'
import { type ConsoleBackend, ConsoleDaemon } from '@split-driver/console'
import { type EmulatedHost, SimulatedStore, type TransferStore } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import type { ByteChannel } from '@split-driver/xenbus'
import { Dom0Process } from './dom0-process.js'
import type { Mutant } from './mutant.js'

/** Milliseconds until a daemon that complained has been started again. */
const RESTART_MS = 100

/** A daemon of the control domain, in a process of its own that can be killed and started again. */
export abstract class RestartableDaemon {
  protected readonly host: EmulatedHost
  readonly #accept: (channel: ByteChannel) => void
  #process: Dom0Process | undefined
  #restart = Promise.resolve()

  constructor(host: EmulatedHost, accept: (channel: ByteChannel) => void) {
    this.host = host
    this.#accept = accept
  }

  async start(): Promise<void> {
    this.#process = new Dom0Process(this.host, this.#accept)
    await this.serve(this.#process)
  }

  /** Without effect while it is away already. @param absence milliseconds until it is back */
  kill(absence: number, whileAway: () => void = () => {}): void {
    if (this.#process === undefined) return
    this.#process.kill()
    this.#process = undefined
    whileAway()
    this.#restart = this.#comeBack(absence)
  }

  /** Done when it is there. */
  async back(): Promise<void> {
    await this.#restart
  }

  /** Ends it in order; a process that is ending is not killed any more. @returns what it has left open, one line for each */
  async stop(): Promise<readonly string[]> {
    await this.back()
    const process = this.#process
    this.#process = undefined
    await this.close()
    const left = process?.holdings() ?? []
    await process?.[Symbol.asyncDispose]()
    return left
  }

  protected abstract serve(process: Dom0Process): Promise<void>
  protected abstract close(): Promise<void>
  /** What the toolstack does when it sees that the process is gone. */
  protected abstract mourn(): Promise<void>

  async #comeBack(absence: number): Promise<void> {
    await this.mourn()
    await new Promise<void>((resolve) => this.host.machine.clock.setTimer(absence, resolve))
    await this.start()
  }
}

/** Serves every guest's disk. */
export class BlockDaemon extends RestartableDaemon {
  readonly #disks: ReadonlyMap<number, TransferStore>
  readonly #mutant: Mutant
  #bus: BlkifBackendBus | undefined

  /** @param disks by their guest's domid */
  constructor(
    host: EmulatedHost,
    accept: (channel: ByteChannel) => void,
    disks: ReadonlyMap<number, TransferStore>,
    mutant: Mutant,
  ) {
    super(host, accept)
    this.#disks = disks
    this.#mutant = mutant
  }

  protected async serve(process: Dom0Process): Promise<void> {
    const platform: Platform = this.#mutant.backendPlatform?.(process) ?? process
    const openStore = async ({ path }: { readonly path: string }) => {
      const disk = whileAlive(process, this.#disks.get(Number(path.split('/').at(-2)))!)
      return whileAlive(process, new SimulatedStore(disk, this.host.machine.simulation!, DOM0))
    }
    this.#bus = await new BlkifBackendBus(platform, { openStore }).open()
  }

  protected async close(): Promise<void> {
    await this.#bus?.close()
  }

  /** As for a driver domain that died: the guests hear that the backends are closed. */
  protected async mourn(): Promise<void> {
    const { store } = this.host
    const root = '/local/domain/0/backend/vbd'
    if ((await store.tryRead(root)) === undefined) return
    for (const domid of await store.directory(root))
      await store.transaction(async (t) => {
        const state = `${root}/${domid}/51712/state`
        if ((await t.tryRead(state)) !== undefined) await t.write(state, '6')
      })
  }
}

/** Serves every guest's console. */
export class ConsoleService extends RestartableDaemon {
  readonly #onConsole: (console: ConsoleBackend) => void
  #daemon: ConsoleDaemon | undefined

  constructor(
    host: EmulatedHost,
    accept: (channel: ByteChannel) => void,
    onConsole: (console: ConsoleBackend) => void,
  ) {
    super(host, accept)
    this.#onConsole = onConsole
  }

  protected async serve(platform: Dom0Process): Promise<void> {
    this.#daemon = await ConsoleDaemon.start({ platform }, (daemon) => {
      daemon.on('connect', this.#onConsole)
      daemon.on('error', (error) => this.#complained(error))
    })
  }

  protected async close(): Promise<void> {
    await this.#daemon?.close()
  }

  protected async mourn(): Promise<void> {}

  /** A guest whose ring could not be mapped once is not tried again by itself: its operator starts the daemon again. */
  #complained({ detail }: XenError): void {
    if (detail['injected'] === true) this.kill(RESTART_MS)
  }
}

const tried = async (begin: () => void | Promise<void>): Promise<void> => begin()

/** A disk as one process reaches it: when that is killed, what it had begun is not carried out, and nobody hears how it ended. */
const whileAlive = (process: Dom0Process, disk: TransferStore): TransferStore => {
  const transfer = (begin: () => void | Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!process.alive) return
      tried(begin).then(
        () => process.alive && resolve(),
        (error: unknown) => process.alive && reject(error),
      )
    })
  return {
    byteLength: disk.byteLength,
    sectorBytes: disk.sectorBytes,
    readOnly: disk.readOnly,
    read: (position, targets) => transfer(() => disk.read(position, targets)),
    write: (position, sources) => transfer(() => disk.write(position, sources)),
    flush: () => transfer(() => disk.flush()),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  }
}
