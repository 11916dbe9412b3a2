import { UsageError } from '../command-line.js'
import type { Scenario } from './scenario.js'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

/** What a run has printed. @throws UsageError if this is none */
export const parseScenario = (text: string): Scenario => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`the scenario is no JSON: ${(error as Error).message}`)
  }
  if (!isRecord(value)) throw new UsageError('the scenario is no JSON object')
  for (const key of ['seed', 'guests', 'rounds'])
    if (!isCount(value[key])) throw new UsageError(`the scenario's ${key} is no whole number`)
  const { interfaces, quotas, faults }: { interfaces?: unknown; quotas?: unknown; faults?: unknown } = value
  if (!isRecord(interfaces)) throw new UsageError("the scenario's interfaces are no object")
  if (!isRecord(quotas)) throw new UsageError("the scenario's quotas are no object")
  if (!Array.isArray(faults) || !faults.every((fault) => isRecord(fault) && typeof fault['kind'] === 'string'))
    throw new UsageError("the scenario's faults are no list of objects with a kind")
  return value as unknown as Scenario
}
