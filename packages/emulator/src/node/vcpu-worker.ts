import { parentPort, workerData } from 'node:worker_threads'
import { Machine } from '../machine.js'
import { loadProgram } from '../program-module.js'
import type { ExitReport, VcpuRequest } from '../vcpu.js'

/** A domain's thread: joins the machine, runs the program, reports how it ended. */
const run = async (request: Omit<VcpuRequest, 'transfer'>, signal: AbortSignal): Promise<ExitReport> => {
  try {
    const program = await loadProgram(request.program)
    await using platform = Machine.join(request.machine).attach(request.domid)
    await program({ platform, argument: request.argument, signal })
    return { how: 'halted' }
  } catch (error) {
    return { how: 'crashed', error: error instanceof Error ? error : new Error(String(error)) }
  }
}

const abort = new AbortController()
parentPort?.on('message', () => abort.abort())
void run(workerData, abort.signal).then((report) => {
  parentPort?.postMessage(report)
  parentPort?.close()
})
