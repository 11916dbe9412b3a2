import { parentPort, workerData } from 'node:worker_threads'
import { Machine } from '../machine.js'
import { loadProgram } from '../program-module.js'
import { crashReport, type ExitReport } from '../vcpu.js'
import type { WorkerRequest } from './worker-request.js'

/** A domain's thread: joins the machine, runs the program, reports how it ended. */
const run = async ({ machine, domid, program, argument }: WorkerRequest, signal: AbortSignal): Promise<ExitReport> => {
  try {
    const code = await loadProgram(program)
    await using platform = Machine.join(machine).attach(domid)
    await code({ platform, argument, signal })
    return { how: 'halted' }
  } catch (error) {
    return crashReport(error)
  }
}

const abort = new AbortController()
parentPort?.on('message', () => abort.abort())
void run(workerData, abort.signal).then((report) => {
  parentPort?.postMessage(report)
  parentPort?.close()
})
