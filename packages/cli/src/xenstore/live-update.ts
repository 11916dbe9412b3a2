import { XenError } from '@split-driver/abi'
import { ExitCode } from '../exit-code.js'
import type { ControlTool } from './control.js'

/** Seconds in which those who have transactions open must have ended them. */
const USUAL_PATIENCE = 60

interface Update {
  /** Program that goes on in the daemon's place. */
  readonly program: string
  /** Its command line, if it shall have another. */
  readonly commandLine: string | undefined
  readonly seconds: number
  /** Transactions that are open are broken off when the time is over. */
  readonly force: boolean
  /** Of the state that is handed over, if not the newest. */
  readonly version: number | undefined
}

/** `xenstore-control live-update [-c COMMAND-LINE] [-t SECONDS] [-F] [-v VERSION] PROGRAM`. */
export const liveUpdate = async (tool: ControlTool, words: readonly string[]): Promise<ExitCode> => {
  const { store, output } = tool
  const update = readUpdate(words)
  if (typeof update === 'string') {
    output.complain(`live-update: ${update}`)
    return ExitCode.Usage
  }
  if ((await store.tryRead('/tool/xenstored/domid')) !== undefined)
    throw new XenError('EOPNOTSUPP', 'live-update: this XenStore is a domain of its own, which takes no program')
  const failure = await perform(tool, update)
  if (failure === undefined) return ExitCode.Okay
  output.complain(`live-update: ${failure}`)
  return ExitCode.Refused
}

/** @returns what is wrong with the words, if anything is */
const readUpdate = (words: readonly string[]): Update | string => {
  const values = new Map<string, string>()
  let program: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '-F') values.set(word, '')
    else if (word !== '-c' && word !== '-t' && word !== '-v') program = word
    else if (++i === words.length) return `${word} needs a value`
    else values.set(word, words[i]!)
  }
  if (program === undefined) return 'the program that is to go on is missing'
  const [seconds, version] = [
    wholeNumber(values.get('-t') ?? `${USUAL_PATIENCE}`),
    wholeNumber(values.get('-v') ?? '0'),
  ]
  if (seconds === undefined || version === undefined) return 'expected a whole number behind -t and -v'
  return {
    program,
    commandLine: values.get('-c'),
    seconds,
    force: values.has('-F'),
    version: version === 0 ? undefined : version,
  }
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)

/** @returns why it failed; all is as it was then */
const perform = async (tool: ControlTool, update: Update): Promise<string | undefined> => {
  const { program, commandLine } = update
  const refused = await ask(tool, ['-f', program])
  if (refused !== undefined) return `the daemon does not take ${program}: ${refused}`
  const failure =
    (commandLine === undefined ? undefined : await ask(tool, ['-c', commandLine])) ?? (await start(tool, update))
  if (failure !== undefined) await ask(tool, ['-a'])
  return failure
}

/** While transactions are open the daemon is busy; it is asked again each second. */
const start = async (tool: ControlTool, { seconds, force, version }: Update): Promise<string | undefined> => {
  const words = ['-s', '-t', String(seconds)]
  if (force) words.push('-F')
  if (version !== undefined) words.push('-v', String(version))
  for (let passed = 0; passed < seconds; passed++) {
    const answer = await ask(tool, words)
    if (answer !== 'BUSY') return answer
    await tool.pause()
  }
  return 'BUSY'
}

/** @returns what the daemon said in place of `OK` */
const ask = async ({ store }: ControlTool, words: string[]): Promise<string | undefined> => {
  try {
    const [answer = ''] = (await store.control('live-update', words)).split('\0')
    return answer === 'OK' ? undefined : answer
  } catch (error) {
    if (XenError.is(error)) return error.message
    throw error
  }
}
