import { parentPort, workerData } from 'node:worker_threads'
import { Machine } from '../machine.js'
import { ProgramRun } from '../program/program-run.js'
import { crashReport, type ExitReport } from '../program/vcpu.js'
import type { WorkerRequest } from './worker-request.js'

/** A domain's thread: joins the machine, runs the program, reports how it ended. */
const start = ({ machine: handle, domid, program, argument, attaching }: WorkerRequest): Promise<ExitReport> => {
  const machine = Machine.join(handle)
  machine.xen.waitsWhileHeld = true
  const run = new ProgramRun(machine.attach(domid, attaching))
  parentPort?.on('message', () => run.shutdown())
  // A program that shut its domain down has no say any more in when its thread ends.
  void run.stopped.then(() => setImmediate(() => process.exit()))
  return run.run(program, argument)
}

const report = (last: ExitReport): void => {
  parentPort?.postMessage(last)
  parentPort?.close()
}

try {
  void start(workerData).then(report)
} catch (error) {
  report(crashReport(error))
}
