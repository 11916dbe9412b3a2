import { XenbusState } from '@split-driver/xenbus'
import type { DeviceFacts, Half } from './device-facts.js'

const { Unknown, Initialising, InitWait, Initialised, Connected, Closing, Closed } = XenbusState

export const stateName = (state: number): string =>
  Object.entries(XenbusState).find(([, value]) => value === state)?.[0] ?? String(state)

interface Halves {
  readonly front: Half
  readonly back: Half
}

/** When it holds, and what is waited for then. The first that holds says it. */
interface Rule {
  readonly when: (front: number, back: number) => boolean
  readonly say: (halves: Halves) => string
}

const isUp = (state: number): boolean => state >= Initialised && state !== Closing && state !== Closed

const RULES: readonly Rule[] = [
  {
    when: (front, back) => front === Closed && back === Closed,
    say: () => 'Nothing: both halves are closed. The toolstack or the frontend has to begin anew.',
  },
  {
    when: (front, back) => (front === Closing || front === Closed) && back !== Closed,
    say: ({ front, back }) =>
      `The backend in domain ${back.domid}: the frontend is ${stateName(front.state)}, and the backend has to close, too.`,
  },
  {
    when: (_, back) => back === Closing || back === Closed,
    say: ({ front, back }) =>
      `The frontend in domain ${front.domid}: the backend is ${stateName(back.state)}, and the frontend has to close, too.`,
  },
  {
    when: (_, back) => back === Unknown || back === Initialising,
    say: ({ back }) =>
      `A backend driver in domain ${back.domid}: nobody has taken the device up (${back.path} is ${stateName(back.state)}).`,
  },
  {
    when: (front, back) => !isUp(front) && back === InitWait,
    say: ({ front }) =>
      `The frontend in domain ${front.domid}: the backend offers the device, and the guest's driver has not published its ring.`,
  },
  {
    when: (front, back) => isUp(front) && (back === InitWait || back === Initialised),
    say: ({ back }) =>
      `The backend in domain ${back.domid}: the frontend has published its ring, and the backend has not connected to it.`,
  },
  {
    when: (front) => front !== Connected,
    say: ({ front }) =>
      `The frontend in domain ${front.domid}: the backend is connected, and the frontend is ${stateName(front.state)}.`,
  },
  {
    when: (_, back) => back !== Connected,
    say: ({ back }) =>
      `The backend in domain ${back.domid}: the frontend is connected, and it is ${stateName(back.state)}.`,
  },
]

/** What the two halves wait for before they are connected, or after; `undefined` while they are. */
export const explainHandshake = ({ frontend, backend }: DeviceFacts): string | undefined => {
  if (frontend === undefined) return undefined
  if (backend === undefined) return 'The toolstack: the frontend names no backend that is there.'
  const rule = RULES.find(({ when }) => when(frontend.state, backend.state))
  if (rule === undefined) return undefined
  const errors = [frontend, backend].flatMap(({ error }, i) =>
    error === undefined ? [] : [`The ${i === 0 ? 'frontend' : 'backend'} has failed: ${error}.`],
  )
  return [...errors, rule.say({ front: frontend, back: backend })].join(' ')
}
