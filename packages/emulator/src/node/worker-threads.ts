import { Worker } from 'node:worker_threads'
import {
  crashReport,
  type ExitReport,
  type StartVcpu,
  type ThreadUsage,
  type Vcpu,
  type VcpuRequest,
} from '../program/vcpu.js'
import type { WorkerRequest } from './worker-request.js'

/** Runs a domain's code in a Node worker thread of its own. */
export const startWorkerThread: StartVcpu = ({ machine, domid, program, argument, transfer, attaching = {} }) => {
  if (typeof program === 'function') throw new TypeError('code for another thread must be a module, not a function')
  if (machine.handle.mode !== 'threads') throw new TypeError('this machine runs all its domains in one thread')
  return new WorkerVcpu({ machine: machine.handle, domid, program, argument, attaching }, transfer)
}

class WorkerVcpu implements Vcpu {
  readonly exited: Promise<ExitReport>
  readonly usage: ThreadUsage
  readonly #worker: Worker
  #killed = false

  constructor(request: WorkerRequest, transfer: VcpuRequest['transfer'] = []) {
    this.#worker = new Worker(new URL('./vcpu-worker.js', import.meta.url), {
      workerData: request,
      transferList: [...transfer] as never,
      name: `domain ${request.domid}`,
    })
    this.usage = new WorkerUsage(this.#worker)
    this.exited = new Promise((resolve) => {
      let report: ExitReport = { how: 'killed' }
      this.#worker.on('message', (last: ExitReport) => {
        // What a domain says of its end while it is being destroyed, that a hypercall failed for one, is no crash.
        if (!this.#killed) report = last
      })
      this.#worker.on('error', (error) => {
        if (!this.#killed) report = crashReport(error)
      })
      this.#worker.on('exit', () => resolve(report))
    })
  }

  shutdown(): void {
    this.#worker.postMessage('shutdown')
  }

  async kill(): Promise<void> {
    this.#killed = true
    await this.#worker.terminate()
  }
}

/** By how long the worker's event loop was not idle. */
class WorkerUsage implements ThreadUsage {
  readonly #worker: Worker
  #last: ReturnType<Worker['performance']['eventLoopUtilization']>
  #seconds = 0

  constructor(worker: Worker) {
    this.#worker = worker
    this.#last = worker.performance.eventLoopUtilization()
  }

  /** A thread that has ended, or not begun, tells 0; what it said before stands then. */
  cpuSeconds(): number {
    this.#seconds = Math.max(this.#seconds, this.#worker.performance.eventLoopUtilization().active / 1000)
    return this.#seconds
  }

  isBusy(): boolean {
    const now = this.#worker.performance.eventLoopUtilization()
    const { utilization } = this.#worker.performance.eventLoopUtilization(now, this.#last)
    this.#last = now
    return utilization > 0.5
  }
}
