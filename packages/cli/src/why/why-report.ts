import { domid as asDomid, XenError } from '@split-driver/abi'
import type { DeviceFacts, WhyReport } from './device-facts.js'
import { type DomainStanding, explainDevice } from './explain-device.js'
import type { FactGatherer } from './gather-facts.js'

/**
 * What each device of a domain waits for, or what one does.
 * @param device such as `vbd/51712`, `51712`, `xvda` or `console`; all unless given
 * @throws XenError ENOENT if the domain has no such device
 */
export const whyReport = async (
  gatherer: Pick<FactGatherer, 'gather'>,
  domain: DomainStanding & { readonly name: string },
  device?: string,
): Promise<WhyReport> => {
  const all = await gatherer.gather(asDomid(domain.domid))
  const wanted = device === undefined ? all : all.filter((facts) => isCalled(facts, device))
  if (device !== undefined && wanted.length === 0)
    throw new XenError('ENOENT', `domain ${domain.domid} has no device ${device}: it has ${namesOf(all)}`)
  return {
    domid: domain.domid,
    name: domain.name,
    state: domain.state,
    devices: wanted.map((facts) => ({ ...facts, waitsFor: explainDevice(domain, facts) })),
  }
}

const isCalled = ({ device, alias }: DeviceFacts, name: string): boolean =>
  device === name || alias === name || device.split('/')[1] === name

const namesOf = (all: readonly DeviceFacts[]): string =>
  all.map(({ device, alias }) => (alias === undefined ? device : `${device} (${alias})`)).join(', ') || 'none'
