import { Machine, type MachineCommand } from './machine/machine.js'
import type { ProgressDisplay } from './report/progress-display.js'

/** Control-], as in telnet and `xl console`. */
const leaveByte = 0x1d

/** Joins this terminal and dom0's console until the machine ends. @returns the exit code for this process */
export async function runShell(command: MachineCommand, display: ProgressDisplay): Promise<number> {
  const { stdin, stdout } = process
  display.line('dom0 boots; Control-] leaves and ends it, Control-a three times switches to Xen itself and back')
  display[Symbol.dispose]()
  return new Promise((resolve) => {
    const machine = new Machine(command, {
      report: (report) => {
        if (report.tell === 'ready') machine.ask({ ask: 'command', command: windowSize(), limitSeconds: 10 })
      },
      console: (bytes) => stdout.write(bytes),
      noise: (text) => process.stderr.write(text),
      ended: (code) => {
        stdin.setRawMode(false)
        stdin.pause()
        resolve(code ?? 0)
      },
    })
    stdin.setRawMode(true)
    stdin.on('data', (bytes) => (bytes.includes(leaveByte) ? machine[Symbol.asyncDispose]() : machine.type(bytes)))
  })
}

/** dom0 cannot ask for the size through a serial line. */
function windowSize() {
  const { rows, columns } = process.stdout
  return `stty -F /dev/hvc0 rows ${rows || 24} cols ${columns || 80}`
}
