import type { Defect } from './defective-world.js'

/** What is wrong, a part of the name of the case that must notice, and how it is made wrong. */
export type DefectRow = [what: string, cases: string, defect: Defect]

/** Calls through, but an error is swallowed. */
export const forgiving =
  <A extends unknown[], R>(action: (...args: A) => R, instead: (...args: A) => R) =>
  (...args: A): R => {
    try {
      return action(...args)
    } catch {
      return instead(...args)
    }
  }

/** Every `n`th call is lost. */
export const losing = <A extends unknown[]>(n: number, action: (...args: A) => void) => {
  let calls = 0
  return (...args: A): void => {
    if (++calls % n !== 0) action(...args)
  }
}
