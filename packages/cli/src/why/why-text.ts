import { escapeControls } from '../logging/text-line.js'
import type { DeviceFacts, DeviceReport, Half, PortFacts, RingGrant, WhyReport } from './device-facts.js'
import { stateName } from './explain-handshake.js'

const LABEL_WIDTH = 12

/** The report for a person: a paragraph a device, what it waits for first. */
export const whyText = ({ domid, name, state, devices }: WhyReport): string => {
  const paragraphs = devices.map((device) => `${deviceLines(device).join('\n')}\n`)
  return `${escapeControls(`${name} (domain ${domid}, ${state})`)}\n${paragraphs.join('')}`
}

const deviceLines = (report: DeviceReport): string[] => {
  const { device, alias, waitsFor, frontend, backend, frontendPort, backendPort } = report
  const rows: [string, string | undefined][] = [
    ['waits for', waitsFor],
    ['frontend', frontend && halfText(frontend)],
    ['backend', backend && halfText(backend)],
    ['ring', ringText(report)],
    ['ids', idsText(report)],
    ['events', portsText(frontendPort, backendPort)],
    ['grants', grantsText(report)],
  ]
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined)
  return [
    `\n${escapeControls(alias === undefined ? device : `${device} (${alias})`)}`,
    ...shown.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${escapeControls(text)}`),
  ]
}

const halfText = ({ domid, path, state, error }: Half): string =>
  `${stateName(state)}, domain ${domid}, ${path}${error === undefined ? '' : `, error: ${error}`}`

const ringText = ({ ring }: DeviceFacts): string | undefined => {
  if (ring === undefined) return undefined
  if (ring.kind === 'bytes') {
    const { toBackend, toBackendBytes, toFrontend, toFrontendBytes } = ring
    return `${toBackend} of ${toBackendBytes} bytes to the backend, ${toFrontend} of ${toFrontendBytes} to the frontend`
  }
  const { reqProd, reqEvent, rspProd, rspEvent, slots } = ring
  const indices = `reqProd ${reqProd}, reqEvent ${reqEvent}, rspProd ${rspProd}, rspEvent ${rspEvent}`
  return slots === undefined ? indices : `${indices}, ${slots} slots`
}

const idsText = ({ ring }: DeviceFacts): string | undefined => {
  if (ring?.kind !== 'requests' || ring.unanswered === 0) return undefined
  return `${ring.unanswered} unanswered${ring.ids.length === 0 ? '' : `: ${ring.ids.join(' ')}`}`
}

const portsText = (frontend: PortFacts | undefined, backend: PortFacts | undefined): string | undefined => {
  const ends = [frontend, backend].filter((end) => end !== undefined)
  return ends.length === 0 ? undefined : ends.map(portText).join('; ')
}

const portText = ({ domid, port, is, pending, masked }: PortFacts): string => {
  const kind = is === 'interdomain' ? '' : `${is}, `
  return `port ${port} of domain ${domid}: ${kind}${pending ? '' : 'not '}pending, ${masked ? '' : 'not '}masked`
}

const grantsText = ({ ringGrants, otherGrants }: DeviceFacts): string | undefined => {
  if (ringGrants.length === 0) return undefined
  const others = `${otherGrants.count} others to that domain, ${otherGrants.mapped} of them mapped`
  const ring = ringGrants.map(grantText).join('; ')
  return otherGrants.count === 0 ? ring : `${ring}; ${others}`
}

const grantText = ({ ref, holders }: RingGrant): string => {
  const who = holders.map(({ domid, access }) => `domain ${domid} (${access})`)
  return `ring's page ${ref} mapped by ${who.length === 0 ? 'nobody' : who.join(', ')}`
}
