import type { Dom0 } from './machine/dom0.js'
import { UsageError } from './usage-error.js'

/** Control-], as in telnet and `xl console`. */
const leaveByte = 0x1d
const dayInSeconds = 24 * 3600

/** To be asked before anything takes time. @throws UsageError if there is nobody who could type */
export function requireTerminal() {
  if (!process.stdin.isTTY) throw new UsageError('a shell needs a terminal')
}

/** Joins this terminal and a shell on dom0's console; resolves when either is left. */
export async function openShell(dom0: Dom0): Promise<void> {
  const { stdin, stdout } = process
  stdout.write(
    'Control-] or the end of the shell leaves dom0; Control-a three times switches to Xen itself and back.\n',
  )
  const left = new Promise<void>((resolve) => {
    stdin.on('data', (bytes: Buffer) => (bytes.includes(leaveByte) ? resolve() : dom0.type(bytes)))
  })
  dom0.onConsole = (bytes) => stdout.write(bytes)
  stdin.setRawMode(true).resume()
  try {
    await Promise.race([left, dom0.runCommand(shellCommand(stdout), dayInSeconds, (text) => stdout.write(text))])
  } finally {
    stdin.setRawMode(false).pause().removeAllListeners('data')
    dom0.onConsole = () => undefined
  }
}

/**
 * A session of its own, so that Control-C reaches what runs there; not as the last command, which the shell would become:
 * setsid waits only if it did not lead a session before. dom0 cannot ask for the window's size.
 */
function shellCommand({ rows, columns }: NodeJS.WriteStream) {
  const size = `stty -F /dev/hvc0 rows ${rows || 24} cols ${columns || 80}`
  return `cd /root; ${size}; TERM=xterm setsid -c sh -l </dev/hvc0 >/dev/hvc0 2>&1; exit 0`
}
