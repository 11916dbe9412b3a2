import { type ChildProcess, execFile } from 'node:child_process'
import type { ForeignRoot } from '@split-driver/debian'
import { XEN_RELEASE } from './peer-packages.js'

/** What a program left behind. */
export interface ToolOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Debian keeps them apart from the programs that a user finds. */
const inLibrary: ReadonlySet<string> = new Set(['test-xenstore', 'xenstore-control'])

const patienceMs = 120_000

/** Xen's own programs, as clients of the XenStore daemon behind one socket. */
export class XenTools {
  constructor(
    readonly root: ForeignRoot,
    readonly socketPath: string,
  ) {}

  /** Runs `xenstore-ls` and its kind to the end. @param name as Debian calls it */
  run(name: string, ...args: readonly string[]): Promise<ToolOutcome> {
    const path = inLibrary.has(name) ? `/usr/lib/xen-${XEN_RELEASE}/bin` : '/usr/bin'
    return this.#start(`${path}/${name}`, args).outcome
  }

  /** Starts one that ends only when it is told to. */
  start(name: string, ...args: readonly string[]): { child: ChildProcess; outcome: Promise<ToolOutcome> } {
    return this.#start(`/usr/bin/${name}`, args)
  }

  /** Runs a Python program that may import xen.lowlevel.xs. */
  python(program: string, ...args: readonly string[]): Promise<ToolOutcome> {
    const modules = this.root.at(`/usr/lib/xen-${XEN_RELEASE}/lib/python`)
    const environment = { PYTHONHOME: this.root.at('/usr'), PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' }
    return this.#start(this.root.find('python3', ['/usr/bin']), ['-c', program, ...args], environment).outcome
  }

  #start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const [command, ...rest] = this.root.command(program, args)
    const env = { XENSTORED_PATH: this.socketPath, ...environment }
    let child: ChildProcess | undefined
    const outcome = new Promise<ToolOutcome>((resolve, reject) => {
      child = execFile(command, rest, { env, timeout: patienceMs, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        if (error !== null && child?.exitCode === null && child.signalCode === null) reject(error)
        else resolve({ code: child?.exitCode ?? -1, stdout, stderr })
      })
    })
    return { child: child as unknown as ChildProcess, outcome }
  }
}
