import type { HostReport, NodeName, NodeReport } from '@split-driver/privcmd'
import { XenStoreServerFeature } from '@split-driver/xenbus'
import type { DaemonVerdict, Diagnosis, Finding } from './finding.js'

/** What a backend opens besides XenStore. Only a frontend needs gntalloc, only a toolstack hypercalls. */
const NEEDED_NODES: readonly NodeName[] = ['evtchn', 'gntdev']

const NO_XEN = 'Xen'

/** Judges what a host offers by what the daemons need. */
export const diagnose = (report: HostReport): Diagnosis => {
  const findings = [...hostFindings(report), ...(report.xen === undefined ? [] : xenFindings(report))]
  const lacks = findings.filter(({ status }) => status === 'missing').map(({ what }) => what)
  const controls = report.xen?.controlDomain === true
  const daemons: DaemonVerdict[] = [
    { daemon: 'blkback', lacks },
    { daemon: 'consoled', lacks: report.xen === undefined || controls ? lacks : [...lacks, 'the control domain'] },
  ]
  return { findings, daemons }
}

const hostFindings = ({ linux, xen, systemCalls }: HostReport): Finding[] => [
  xen === undefined
    ? {
        what: NO_XEN,
        status: 'missing',
        found: 'this machine does not run under Xen',
        advice: 'boot a Xen host and run this in its dom0 or in a driver domain, or use the emulated machine',
      }
    : {
        what: NO_XEN,
        status: 'ok',
        found: [xen.version ?? 'version unknown', xen.guestType].filter(Boolean).join(', '),
      },
  { what: 'Linux', status: 'info', found: `${linux.release}, ${linux.architecture}, Node ${linux.node}` },
  systemCalls.available
    ? { what: 'system calls', status: 'ok', found: 'the C library can be called' }
    : {
        what: 'system calls',
        status: 'missing',
        found: systemCalls.problem ?? 'the C library cannot be called',
        advice: 'install koffi with its package for this platform',
      },
]

const xenFindings = (report: HostReport): Finding[] => [
  domainFinding(report),
  ...report.nodes.map(nodeFinding),
  storeFinding(report),
  ...domain0Findings(report),
  xenfsFinding(report),
  { what: 'guests', status: 'info', found: report.xen?.capabilities.join(' ') || 'unknown' },
  { what: 'features', status: 'info', found: report.xen?.features ?? 'unknown' },
  { what: 'limits', status: 'info', found: limits(report) },
]

const domainFinding = ({ xen }: HostReport): Finding =>
  xen?.controlDomain
    ? { what: 'domain', status: 'ok', found: 'the control domain (dom0)' }
    : {
        what: 'domain',
        status: 'info',
        found: 'a guest: it can serve disks if the toolstack names it as the backend, but no consoles',
      }

const nodeFinding = ({ name, path, use, readable, writable, module, problem }: NodeReport): Finding => {
  const what = `/dev/xen/${name}`
  if (problem !== undefined) {
    const status = NEEDED_NODES.includes(name) ? 'missing' : 'optional'
    return { what, status, found: `${problem.problem} (for ${use})`, advice: problem.advice }
  }
  const rights = [readable ? 'read' : '', writable ? 'write' : ''].filter(Boolean).join(' and ')
  const provider = module === undefined ? '' : `, ${module.name} ${module.state}`
  const place = path === what ? '' : ` at ${path}`
  return { what, status: 'ok', found: `${rights}${place}${provider}; for ${use}` }
}

/** The socket, or the kernel's own connection. */
const storeFinding = ({ xenstore, nodes }: HostReport): Finding => {
  const { socket, exists, answers } = xenstore
  const what = 'XenStore'
  if (answers) return { what, status: 'ok', found: `a daemon answers at ${socket}` }
  const node = nodes.find(({ name }) => name === 'xenbus')
  if (node !== undefined && node.problem === undefined) return { what, status: 'ok', found: `by ${node.path}` }
  return {
    what,
    status: 'missing',
    found: exists ? `${socket} is there, but nobody answers` : `there is no ${socket}`,
    advice: 'start xenstored (systemctl start xenstored), or run as root',
  }
}

/** Through the socket alone: no node is opened to look. */
const domain0Findings = ({ xenstore: { domain0 } }: HostReport): Finding[] =>
  domain0 === undefined
    ? []
    : [{ what: 'domain 0', status: 'info', found: `${domain0.path}; features: ${featuresText(domain0.features)}` }]

const FEATURES: readonly (readonly [bit: number, name: string])[] = [
  [XenStoreServerFeature.Reconnection, 'reconnection'],
  [XenStoreServerFeature.Error, 'errors of the ring'],
  [XenStoreServerFeature.WatchDepth, 'depth of watches'],
]

const featuresText = (features: number | undefined): string => {
  if (features === undefined) return 'this XenStore cannot be asked'
  const known = FEATURES.filter(([bit]) => (features & bit) !== 0)
  const rest = known.reduce((left, [bit]) => left & ~bit, features) >>> 0
  const names = [...known.map(([, name]) => name), ...(rest === 0 ? [] : [`others (0x${rest.toString(16)})`])]
  return names.join(', ') || 'none'
}

const xenfsFinding = ({ xenfs: { path, mounted } }: HostReport): Finding =>
  mounted
    ? { what: 'xenfs', status: 'ok', found: `mounted at ${path}` }
    : {
        what: 'xenfs',
        status: 'optional',
        found: `not mounted at ${path}: whether this is the control domain cannot be told`,
        advice: `mount -t xenfs xenfs ${path}`,
      }

const limits = ({ limits: { gntalloc, gntdev } }: HostReport): string => {
  const pages = (count: number | undefined) => (count === undefined ? 'unknown' : `${count} pages`)
  return `shared by gntalloc: ${pages(gntalloc)}; mapped by gntdev: ${pages(gntdev)}`
}
