import { Worker } from 'node:worker_threads'
import type { ExitReport, StartVcpu, Vcpu, VcpuRequest } from '../vcpu.js'

/** Runs each domain in a Node worker thread of its own. */
export const startWorkerThread: StartVcpu = (request) => new WorkerVcpu(request)

class WorkerVcpu implements Vcpu {
  readonly exited: Promise<ExitReport>
  readonly #worker: Worker

  constructor({ machine, domid, program, argument, transfer }: VcpuRequest) {
    this.#worker = new Worker(new URL('./vcpu-worker.js', import.meta.url), {
      workerData: { machine, domid, program, argument },
      transferList: [...transfer] as never,
      name: `domain ${domid}`,
    })
    this.exited = new Promise((resolve) => {
      let report: ExitReport = { how: 'killed' }
      this.#worker.on('message', (last: ExitReport) => {
        report = last
      })
      this.#worker.on('error', (error) => {
        report = { how: 'crashed', error: error instanceof Error ? error : new Error(String(error)) }
      })
      this.#worker.on('exit', () => resolve(report))
    })
  }

  shutdown(): void {
    this.#worker.postMessage('shutdown')
  }

  async kill(): Promise<void> {
    await this.#worker.terminate()
  }
}
