import { diagnose, runCommandLine } from '@split-driver/cli'
import type { HostReport, NodeReport } from '@split-driver/privcmd'
import { afterEach, describe, expect, test, vi } from 'vitest'

const names = ['evtchn', 'gntdev', 'gntalloc', 'xenbus', 'privcmd', 'hypercall'] as const

const node = (name: (typeof names)[number], problem?: string): NodeReport => ({
  name,
  path: `/dev/xen/${name}`,
  use: 'its use',
  exists: problem === undefined,
  readable: problem === undefined,
  writable: problem === undefined,
  module: { name: `xen-${name}`, state: problem === undefined ? 'loaded' : 'not loaded' },
  problem: problem === undefined ? undefined : { code: 'ENOENT', problem, advice: `modprobe xen-${name}` },
})

/** A dom0 as it should be. */
const dom0: HostReport = {
  linux: { release: '6.1.0', architecture: 'x64', node: 'v20.19.0' },
  xen: {
    guestType: 'PV',
    version: '4.17.5',
    capabilities: ['xen-3.0-x86_64', 'hvm-3.0-x86_32'],
    features: '00000000,00007fd7',
    controlDomain: true,
  },
  nodes: names.map((name) => node(name)),
  xenfs: { path: '/proc/xen', mounted: true },
  xenstore: {
    socket: '/run/xenstored/socket',
    exists: true,
    answers: true,
    domain0: { path: '/local/domain/0', features: 7 },
  },
  limits: { gntalloc: 1024, gntdev: undefined },
  systemCalls: { available: true, problem: undefined },
  problems: [],
}

const without = (...missing: string[]): HostReport => ({
  ...dom0,
  nodes: names.map((name) => node(name, missing.includes(name) ? `there is no /dev/xen/${name}` : undefined)),
})

const lacks = (report: HostReport) => diagnose(report).daemons.map((verdict) => verdict.lacks)

describe('diagnose', () => {
  test('of a dom0 as it should be: both daemons could run', () => {
    expect(lacks(dom0)).toEqual([[], []])
    const { findings } = diagnose(dom0)
    expect(findings.filter(({ status }) => status === 'missing' || status === 'optional')).toEqual([])
    expect(findings.find(({ what }) => what === 'Xen')?.found).toBe('4.17.5, PV')
    expect(findings.find(({ what }) => what === '/dev/xen/evtchn')?.found).toBe(
      'read and write, xen-evtchn loaded; for its use',
    )
    expect(findings.find(({ what }) => what === 'limits')?.found).toBe(
      'shared by gntalloc: 1024 pages; mapped by gntdev: unknown',
    )
  })

  test.each([
    ['evtchn', ['/dev/xen/evtchn']],
    ['gntdev', ['/dev/xen/gntdev']],
    ['gntalloc', []],
    ['xenbus', []],
    ['privcmd', []],
    ['hypercall', []],
  ])('without /dev/xen/%s: what a backend needs is missing, anything else is not', (name, missing) => {
    expect(lacks(without(name))).toEqual([missing, missing])
    const finding = diagnose(without(name)).findings.find(({ what }) => what === `/dev/xen/${name}`)
    expect(finding).toMatchObject({
      status: missing.length > 0 ? 'missing' : 'optional',
      advice: `modprobe xen-${name}`,
    })
  })

  test('XenStore can be reached by its socket or by the node, and is missing without both', () => {
    const silent = { ...dom0.xenstore, answers: false, domain0: undefined }
    expect(lacks({ ...dom0, xenstore: silent })).toEqual([[], []])
    expect(lacks({ ...without('xenbus'), xenstore: silent })).toEqual([['XenStore'], ['XenStore']])
  })

  test.each([
    [7, 'reconnection, errors of the ring, depth of watches'],
    [1, 'reconnection'],
    [0x8000_0009, 'reconnection, others (0x80000008)'],
    [0, 'none'],
    [undefined, 'this XenStore cannot be asked'],
  ])('what XenStore says of domain 0: features %j', (features, text) => {
    const xenstore = { ...dom0.xenstore, domain0: { path: '/local/domain/0', features } }
    const found = diagnose({ ...dom0, xenstore }).findings.find(({ what }) => what === 'domain 0')
    expect(found).toEqual({ what: 'domain 0', status: 'info', found: `/local/domain/0; features: ${text}` })
  })

  test('where XenStore does not answer, nothing is said of domain 0', () => {
    const xenstore = { ...dom0.xenstore, answers: false, domain0: undefined }
    expect(diagnose({ ...dom0, xenstore }).findings.map(({ what }) => what)).not.toContain('domain 0')
  })

  test('a driver domain may serve disks, but no consoles', () => {
    const xen = { ...dom0.xen!, controlDomain: false }
    expect(lacks({ ...dom0, xen })).toEqual([[], ['the control domain']])
  })

  test('without Xen nothing is said of nodes that cannot be there', () => {
    const report = { ...without(...names), xen: undefined }
    expect(lacks(report)).toEqual([['Xen'], ['Xen']])
    expect(diagnose(report).findings.map(({ what }) => what)).toEqual(['Xen', 'Linux', 'system calls'])
  })

  test('where the C library cannot be called, nothing runs', () => {
    const systemCalls = { available: false, problem: 'koffi has no build for this platform' }
    expect(lacks({ ...dom0, systemCalls })).toEqual([['system calls'], ['system calls']])
  })
})

describe('split-driver doctor', () => {
  const { isTTY } = process.stdout
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    process.stdout.isTTY = isTTY
  })

  const run = async (report: HostReport, ...args: string[]) => {
    let text = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += chunk
      return true
    })
    const world = {
      openPlatform: () => Promise.reject(new Error('opened')),
      openXenstore: () => Promise.reject(new Error('opened')),
      openStoreMachine: () => Promise.reject(new Error('opened')),
      inspectHost: async () => report,
    }
    return { code: await runCommandLine(['doctor', ...args], world), text }
  }

  test('exit code 0 only if every daemon could run', async () => {
    expect((await run(dom0)).code).toBe(0)
    expect((await run(without('gntdev'))).code).toBe(1)
    expect((await run({ ...dom0, xen: { ...dom0.xen!, controlDomain: false } })).code).toBe(1)
  })

  test('says what to do, and that some of it need not be done', async () => {
    const { text } = await run(without('gntdev', 'gntalloc'))
    expect(text).toMatch(/✘ │ \/dev\/xen\/gntdev +│ there is no \/dev\/xen\/gntdev \(for its use\)/)
    expect(text).toContain('What to do:\n  /dev/xen/gntdev: modprobe xen-gntdev\n')
    expect(text).toContain('  /dev/xen/gntalloc (no daemon needs it): modprobe xen-gntalloc\n')
    expect(text).toContain('✘ split-driver blkback cannot run here; it lacks: /dev/xen/gntdev.')
    expect((await run(dom0)).text).toMatch(/✔ split-driver consoled could run here\.\n$/)
  })

  test('colours a terminal alone, and none with NO_COLOR', async () => {
    vi.stubEnv('NO_COLOR', '')
    expect((await run(dom0)).text).not.toContain('\u001b')
    process.stdout.isTTY = true
    expect((await run(dom0)).text).toContain('\u001b[32m✔')
    vi.stubEnv('NO_COLOR', '1')
    expect((await run(dom0)).text).not.toContain('\u001b')
  })

  test('--json holds the verdict, the findings and all that was looked at', async () => {
    const { text } = await run(without('evtchn'), '--json')
    const document = JSON.parse(text)
    expect(document).toMatchObject({
      okay: false,
      daemons: [{ daemon: 'blkback', lacks: ['/dev/xen/evtchn'] }, { daemon: 'consoled' }],
      host: { xen: { version: '4.17.5' } },
    })
    expect(document.findings).toEqual(diagnose(without('evtchn')).findings)
  })
})
