import { ShutdownReason } from '@split-driver/abi'
import type { ShutdownAction, ShutdownPolicies, ShutdownReasonName } from './domain-lifecycle.js'

const names = new Map<number, ShutdownReasonName>(
  Object.entries(ShutdownReason).map(([name, reason]) => [reason, name as ShutdownReasonName]),
)

export const reasonName = (reason: ShutdownReason): ShutdownReasonName => names.get(reason) ?? 'crash'

/** What is to become of a domain that stopped so; nothing yet of a suspended one. @see xl.cfg(5) on_poweroff */
export const actionFor = (reason: ShutdownReasonName, policies: ShutdownPolicies): ShutdownAction | undefined => {
  switch (reason) {
    case 'suspend':
      return undefined
    case 'reboot':
      return policies.onReboot ?? 'restart'
    case 'crash':
      return policies.onCrash ?? 'destroy'
    case 'watchdog':
      return policies.onWatchdog ?? 'destroy'
    default:
      return policies.onPoweroff ?? 'destroy'
  }
}

/** The parts of an action, in the order in which they are carried out. */
export interface ActionSteps {
  readonly coredump: boolean
  /** What becomes of the domain itself: a renamed one makes room for its successor. */
  readonly remains: 'destroyed' | 'renamed' | 'as-it-is'
  readonly restarts: boolean
}

export const stepsOf = (action: ShutdownAction): ActionSteps => ({
  coredump: action === 'coredump-destroy' || action === 'coredump-restart',
  remains: action === 'preserve' ? 'as-it-is' : action === 'rename-restart' ? 'renamed' : 'destroyed',
  restarts: action === 'restart' || action === 'rename-restart' || action === 'coredump-restart',
})
