import type { EmulatedHost, Guest, Program } from '@split-driver/emulator'

/** Runs until it is asked to stop. */
export const idle: Program = ({ signal }) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })

/** Lets everything happen that is due within some milliseconds of the machine's time. */
export const pass = ({ machine }: Pick<EmulatedHost, 'machine'>, milliseconds = 5): Promise<void> =>
  new Promise((resolve) => machine.clock.setTimer(milliseconds, resolve))

/** As `xl list` prints it. */
export const stateOf = ({ toolstack }: EmulatedHost, { domid }: Pick<Guest, 'domid'>): string | undefined =>
  toolstack.list().find((line) => line.domid === domid)?.state

/** The next time that `event` is told. */
export const next = <T>({ toolstack }: EmulatedHost, event: 'restarted' | 'policyFailed'): Promise<T> =>
  new Promise((resolve) => toolstack.events.once(event, (told: unknown) => resolve(told as T)))
