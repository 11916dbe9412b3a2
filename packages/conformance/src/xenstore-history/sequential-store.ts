import type { HistoryStep } from './history.js'

/** All nodes of a history, by name; their parent is always there. */
export type SequentialState = ReadonlyMap<string, string>

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** What a store that serves one request after the other makes of one. */
const serve = (
  state: SequentialState,
  { kind, path, value }: HistoryStep,
): { reply: string; state: SequentialState } => {
  const name = nameOf(path)
  switch (kind) {
    case 'read':
      return { reply: state.get(name) ?? '!ENOENT', state }
    case 'directory':
      return { reply: [...state.keys()].sort().join('|'), state }
    case 'write':
      return { reply: 'OK', state: new Map([...state, [name, value]]) }
    case 'rm':
      return { reply: 'OK', state: new Map([...state].filter(([other]) => other !== name)) }
  }
}

/** @returns the state after all steps, or `undefined` if one would have been answered otherwise */
export const served = (state: SequentialState, steps: readonly HistoryStep[]): SequentialState | undefined => {
  let now = state
  for (const step of steps) {
    const outcome = serve(now, step)
    if (outcome.reply !== step.reply) return undefined
    now = outcome.state
  }
  return now
}

/** Equal texts for equal states. */
export const stateKey = (state: SequentialState): string =>
  [...state]
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')
