import type { FuzzWorld } from './fuzz-world.js'
import { bodyOf, bytesOf, type FuzzedRequest, requestTemplates } from './fuzzed-request.js'

/** Of each kind of client one. */
const ASKERS = [0, 1, 3]

/** Every request that a template gives when its body ends after any of its bytes. */
function* truncations(template: FuzzedRequest): Generator<FuzzedRequest> {
  const body = bodyOf(template)
  for (let end = 0; end <= body.length; end++) yield { ...template, strings: [], rest: body.slice(0, end) }
}

/** Every truncation of a template's request, split at every byte; then everything that a client may leave unfinished. */
async function splitEverywhere(world: FuzzWorld, asker: number, template: FuzzedRequest): Promise<string | undefined> {
  for (const request of truncations(template)) {
    const bytes = bytesOf(request, world.nextReqId())
    for (let split = 0; split < bytes.length; split++) {
      const fault = await world.send(asker, bytes, split)
      if (fault !== undefined) return `type ${template.type}, ${bytes.length} bytes split at ${split}: ${fault}`
    }
  }
  const whole = bytesOf(template, world.nextReqId())
  for (let end = 0; end < whole.length; end++) await world.sendAndLeave(asker, whole.subarray(0, end))
  return undefined
}

/** Every operation × truncation × split point. @returns what is wrong */
export async function tryEverySplit(world: FuzzWorld): Promise<string | undefined> {
  for (const asker of ASKERS) {
    for (const template of requestTemplates()) {
      const fault = (await splitEverywhere(world, asker, template)) ?? (await world.renew())
      if (fault !== undefined) return `client ${asker}, ${fault}`
    }
  }
  return undefined
}
