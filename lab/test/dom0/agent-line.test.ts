import { expect, test } from 'vitest'
import { AgentLine } from '../../src/dom0/agent-line.js'
import { FRAME_MARK, KERNEL_MARK } from '../../src/guest/guest-init.js'

/** A console of which the test is the guest. */
const line = () => {
  let onText: (text: string) => void = () => {}
  let onEnd: () => void = () => {}
  const written: string[] = []
  const agent = new AgentLine({
    write: (text) => void written.push(text),
    onText: (handler) => {
      onText = handler
    },
    onEnd: (handler) => {
      onEnd = handler
    },
    [Symbol.dispose]: () => {},
  })
  return { agent, written, say: (text: string) => onText(text), end: () => onEnd() }
}

const answer = (id: number, status: number, output: string): string =>
  `${FRAME_MARK}${id} ${status} ${Buffer.from(output).toString('base64')}\n`

test('a command goes in base64, and its answer comes with status and output', async () => {
  const { agent, written, say } = line()
  const asked = agent.ask('echo "two\nlines"')
  const [id, command] = written[0]!.trim().split(' ')
  expect(Buffer.from(command!, 'base64').toString()).toBe('echo "two\nlines"')
  say(answer(Number(id), 3, 'two\nlines\n'))
  expect(await asked).toEqual({ status: 3, output: 'two\nlines\n' })
})

test('the kernel s log may come within an answer, at any byte of it', async () => {
  const whole = answer(1, 0, 'some output, long enough')
  for (let at = 0; at <= whole.length; at++) {
    const { agent, say } = line()
    const asked = agent.ask('x')
    const text = `${whole.slice(0, at)}${KERNEL_MARK}6,12,3456789,-;xenbus: a word\n${whole.slice(at)}`
    for (const character of text) say(character)
    expect((await asked).output).toBe('some output, long enough')
    expect(agent.kernelLog).toBe('3456789 xenbus: a word')
  }
})

test('what a dying kernel writes by itself is kept, and the end of the console ends the wait', async () => {
  const { agent, say, end } = line()
  const asked = agent.ask('x')
  say('[    7.1] Kernel panic - not syncing\r\n[    7.2] half a li')
  end()
  await expect(asked).rejects.toThrow('has ended')
  expect(agent.kernelLog).toBe('[    7.1] Kernel panic - not syncing\n[    7.2] half a li')
  await expect(agent.ask('y')).rejects.toThrow('has ended')
})

test('the answer to a command that was given up is not taken for the next one s', async () => {
  const { agent, say } = line()
  const givenUp = agent.ask('slow')
  const next = agent.ask('quick')
  say(answer(1, 0, 'late') + answer(2, 0, 'in time'))
  expect((await next).output).toBe('in time')
  void givenUp
})

test('the log before the agent was ready comes once more by way of the kernel, and is not kept twice', async () => {
  const { agent, say } = line()
  const ready = agent.ready()
  say(`[    0.1] Linux version 6\r\n${FRAME_MARK}ready\n`)
  await ready
  say(`${KERNEL_MARK}5,0,100000,-;Linux version 6\n`)
  expect(agent.kernelLog).toBe('100000 Linux version 6')
})
