import type { Command } from 'commander'

/** Asks the machine what domains there are; nothing where none runs. */
export type DomainNames = () => Promise<readonly string[]>

/**
 * What may stand in place of the last word.
 * @param words what follows the program's name; the last one is unfinished, and may be empty
 * @returns nothing where a file may stand: shells know those themselves
 */
export const completeWords = async (
  program: Command,
  words: readonly string[],
  domains: DomainNames,
): Promise<readonly string[]> => {
  const before = words.slice(0, -1)
  const unfinished = words.at(-1) ?? ''
  const { command, operands, awaits } = walk(program, before)
  const found = awaits ?? (unfinished.startsWith('-') ? flagsOf(command) : await operandsOf(command, operands, domains))
  return found.filter((word) => word.startsWith(unfinished))
}

interface Position {
  readonly command: Command
  /** Operands that the command has already. */
  readonly operands: number
  /** What the option before expects; nothing if it may be anything. */
  readonly awaits: readonly string[] | undefined
}

const walk = (program: Command, words: readonly string[]): Position => {
  let position: Position = { command: program, operands: 0, awaits: undefined }
  for (const word of words) position = step(position, word)
  return position
}

const step = ({ command, operands, awaits }: Position, word: string): Position => {
  if (awaits !== undefined) return { command, operands, awaits: undefined }
  if (word.startsWith('-')) {
    const option = command.options.find(({ long, short }) => long === word || short === word)
    return { command, operands, awaits: option?.required === true ? (option.argChoices ?? []) : undefined }
  }
  const below = operands === 0 ? command.commands.find((one) => one.name() === word) : undefined
  return below === undefined
    ? { command, operands: operands + 1, awaits: undefined }
    : { command: below, operands: 0, awaits: undefined }
}

const flagsOf = (command: Command): readonly string[] => [
  ...command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])),
  '--help',
]

const operandsOf = async (command: Command, operands: number, domains: DomainNames): Promise<readonly string[]> => {
  if (command.commands.length > 0) return operands === 0 ? visibleNames(command) : []
  const { registeredArguments: args } = command
  const argument = args[operands] ?? (args.at(-1)?.variadic === true ? args.at(-1) : undefined)
  if (argument?.name() === 'domain') return domains()
  return argument?.argChoices ?? []
}

const visibleNames = (command: Command): readonly string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name())
