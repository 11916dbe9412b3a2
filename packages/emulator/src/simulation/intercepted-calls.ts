import type { Simulation } from './simulation.js'

/**
 * The same hypercalls, each of which goes through the simulation: it notes them and may make them fail.
 * @param groups objects whose methods are hypercalls
 */
export const interceptedCalls = <Groups extends object>(groups: Groups, simulation: Simulation): Groups => {
  const intercepted = Object.entries(groups).map(([name, group]) => [name, interceptedGroup(name, group, simulation)])
  return Object.fromEntries(intercepted)
}

const interceptedGroup = (group: string, calls: object, simulation: Simulation): object => {
  const made = new Map<string | symbol, unknown>()
  return new Proxy(calls, {
    get: (target, name) => {
      if (made.has(name)) return made.get(name)
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = `${group}.${String(name)}`
      const through = (...args: unknown[]): unknown =>
        simulation.hypercall(call, args, () => Reflect.apply(member, target, args))
      made.set(name, through)
      return through
    },
  })
}
