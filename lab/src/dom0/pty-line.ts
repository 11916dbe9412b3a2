import { constants, createWriteStream, openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import type { ConsoleLine } from './agent-line.js'

/** A guest's console as xenconsoled offers it: a pseudo-terminal, whose path XenStore tells in `console/tty`. */
export const openPtyLine = (path: string): ConsoleLine => {
  // Not to become our controlling terminal: its end would end us.
  const open = (): number => openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  const input = new ReadStream(open())
  const output = createWriteStream(path, { fd: open() })
  let onEnd: () => void = () => {}
  // When xenconsoled lets go of the terminal, reading fails with EIO.
  for (const event of ['end', 'error', 'close']) input.once(event, () => onEnd())
  output.on('error', () => onEnd())
  return {
    write: (text) => void output.write(text),
    onText: (handler) => void input.setEncoding('latin1').on('data', handler),
    onEnd: (handler) => {
      onEnd = handler
    },
    [Symbol.dispose]: () => {
      onEnd = () => {}
      input.destroy()
      output.destroy()
    },
  }
}
