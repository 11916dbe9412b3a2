/** In what way a run broke a promise that this project makes. */
export const violationKinds = {
  data: 'a disk does not hold what it must',
  unsettled: 'a request, an opening or a closing came to no end',
  refused: 'something failed although nothing had been planned that excuses it',
  'lost-device': 'a device did not come back when everything was well again',
  console: 'console output or input has a gap, a wrong byte, or does not arrive',
  ledger: 'something stays open at the end',
  hang: 'the run itself came to no end',
  'stray-error': 'an error that nobody caught',
  replay: 'the same scenario took another course',
} as const

export type ViolationKind = keyof typeof violationKinds

export interface Violation {
  readonly kind: ViolationKind
  /** One line for a person. */
  readonly what: string
}
