import type { Domid, Port } from '@split-driver/abi'
import { SystemCallError } from '@split-driver/privcmd'
import { describe, expect, it } from 'vitest'
import { DeviceNode } from '../src/device-node.js'
import {
  DomainInfoFlag,
  domainInfo,
  EvtchnState,
  evtchnStatus,
  SHUTDOWN_SHIFT,
  sysctlGetDomainInfoList,
} from '../src/hypercall-abi.js'
import { HypercallChannel } from '../src/hypercall-channel.js'
import { Hypercalls } from '../src/hypercalls.js'
import { ScriptedCalls } from './support/scripted-calls.js'

const HYPERCALL = 0x30_5000

interface Domain {
  readonly domain: number
  readonly flags: number
  /** Each of the bytes that name it. */
  readonly handle?: number
}

/** A Xen of which a test says the interface's version and the domains. */
class ScriptedXen {
  readonly calls = new ScriptedCalls()
  readonly hypercalls: Hypercalls
  readonly sysctls: number[] = []

  constructor(
    sysctlVersion: number,
    domains: readonly Domain[],
    status: Parameters<typeof evtchnStatus.create>[0] = {},
  ) {
    const { calls } = this
    calls.answers.set(HYPERCALL, (argument) => {
      const view = new DataView(argument.buffer, argument.byteOffset)
      const [op, first, second] = [0, 8, 16].map((at) => view.getBigUint64(at, true))
      const at = (address: bigint) => calls.pointee(address)
      if (op === 17n && first === 0n) return (4 << 16) | 17
      if (op === 17n && first === 1n) at(second!).set(new TextEncoder().encode('.5-pre\0'))
      if (op === 17n && first === 3n) at(second!).set(new TextEncoder().encode('xen-3.0-x86_64 hvm-3.0-x86_64 \0'))
      if (op === 17n && first === 6n) this.#write(at(second!), new Int32Array([0, 0x28f0]))
      if (op === 32n) this.#write(at(second!), evtchnStatus.create(status))
      if (op === 35n) this.#list(at(first!), sysctlVersion, domains)
      return 0
    })
    const node = (path: string) => DeviceNode.open(calls, path, (_, error) => error)
    this.hypercalls = new Hypercalls(new HypercallChannel(node('/dev/xen/privcmd'), node('/dev/xen/hypercall')))
  }

  #list(bytes: Uint8Array, version: number, domains: readonly Domain[]): void {
    const argument = new Int32Array(bytes.buffer, bytes.byteOffset, sysctlGetDomainInfoList.words)
    const { interfaceVersion, firstDomain, maxDomains, buffer } = sysctlGetDomainInfoList.read(argument)
    this.sysctls.push(interfaceVersion)
    if (interfaceVersion !== version) throw new SystemCallError('ioctl', 'EACCES')
    const found = domains.filter(({ domain }) => domain >= firstDomain).slice(0, maxDomains)
    sysctlGetDomainInfoList.at.numDomains.set(argument, 0, found.length)
    for (const { domain, flags, handle = 0xab } of found) {
      const info = { domain, flags, totPages: 100n, cpuTime: 2_500_000n, handle: new Uint8Array(16).fill(handle) }
      this.#write(this.calls.pointee(buffer), domainInfo.create(info))
    }
  }

  #write(target: Uint8Array, words: Int32Array): void {
    target.set(new Uint8Array(words.buffer))
  }
}

it('Xen’s version comes in five answers', () => {
  expect(new ScriptedXen(0x15, []).hypercalls.xenVersion()).toEqual({
    major: 4,
    minor: 17,
    extraVersion: '.5-pre',
    capabilities: ['xen-3.0-x86_64', 'hvm-3.0-x86_64'],
    features: 0x28f0,
  })
})

describe('the domains', () => {
  const crashed = DomainInfoFlag.shutdown | DomainInfoFlag.hvmGuest | (3 << SHUTDOWN_SHIFT)

  it('are listed one by one, whatever their number', () => {
    const domains = [0, 1, 7, 32751].map((domain) => ({ domain, flags: DomainInfoFlag.running }))
    const { hypercalls } = new ScriptedXen(0x15, domains)
    expect(hypercalls.domains().map(({ domid }) => domid)).toEqual([0, 1, 7, 32751])
  })

  it('are described as Xen sees them', () => {
    const { hypercalls } = new ScriptedXen(0x15, [
      { domain: 3, flags: crashed },
      { domain: 4, flags: DomainInfoFlag.dying | DomainInfoFlag.shutdown | (200 << SHUTDOWN_SHIFT) },
    ])
    expect(hypercalls.domains()).toMatchObject([
      {
        domid: 3,
        uuid: 'abababab-abab-abab-abab-abababababab',
        isHvm: true,
        isDying: false,
        shutdown: 'crash',
        pages: 100,
        cpuTime: 2.5,
      },
      { domid: 4, isHvm: false, isDying: true, shutdown: 'unknown' },
    ])
  })

  it('have each a state, which one hypercall tells; the next one’s is not taken for that of one that is gone', () => {
    const xen = new ScriptedXen(0x15, [
      { domain: 0, flags: DomainInfoFlag.running },
      { domain: 3, flags: crashed },
      { domain: 5, flags: DomainInfoFlag.dying | DomainInfoFlag.shutdown },
    ])
    xen.hypercalls.domains()
    const asked = xen.sysctls.length
    const states = [0, 1, 3, 5, 6].map((domid) => xen.hypercalls.stateOf(domid as Domid))
    expect(states).toEqual(['running', undefined, 'shutdown', 'dying', undefined])
    expect(xen.sysctls.length - asked).toBe(5)
  })

  it('have each a name, which tells one life of a domid from another', () => {
    const xen = new ScriptedXen(0x15, [
      { domain: 0, flags: DomainInfoFlag.running },
      { domain: 3, flags: crashed, handle: 0xcd },
    ])
    const uuids = [0, 1, 3, 4].map((domid) => xen.hypercalls.uuidOf(domid as Domid))
    const [ab, cd] = ['ab', 'cd'].map((byte) => [4, 2, 2, 2, 6].map((bytes) => byte.repeat(bytes)).join('-'))
    expect(uuids).toEqual([ab, undefined, cd, undefined])
  })

  it.each([0x16, 0x15, 0x14])('version 0x%s of the interface is found, and asked for only until then', (version) => {
    const xen = new ScriptedXen(version, [{ domain: 0, flags: 0 }])
    expect(xen.hypercalls.domains()).toHaveLength(1)
    xen.hypercalls.domains()
    expect(xen.sysctls.filter((asked) => asked !== version)).toHaveLength(0x16 - version)
  })

  it('of a Xen with another interface cannot be listed: the error names its version and those known', () => {
    const { hypercalls } = new ScriptedXen(0x99, [])
    expect(() => hypercalls.domains()).toThrow(/ENOSYS: Xen 4\.17\.5-pre .* 0x16, 0x15, 0x14/)
  })

  it('that come in no order are no endless list', () => {
    const xen = new ScriptedXen(0x15, [])
    const list = xen.calls.answers.get(HYPERCALL)!
    xen.calls.answers.set(HYPERCALL, (argument) => {
      list(argument)
      const bytes = xen.calls.pointee(new DataView(argument.buffer, argument.byteOffset).getBigUint64(8, true))
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, sysctlGetDomainInfoList.words)
      sysctlGetDomainInfoList.at.numDomains.set(words, 0, 1)
      return 0
    })
    expect(xen.hypercalls.domains()).toHaveLength(1)
  })
})

describe('the state of a port', () => {
  it.each([
    [{ status: EvtchnState.closed }, { state: 'closed' }],
    [
      { status: EvtchnState.unbound, remoteDom: 4 },
      { state: 'unbound', remoteDomid: 4 },
    ],
    [
      { status: EvtchnState.interdomain, remoteDom: 4, remotePort: 9 },
      { state: 'interdomain', remoteDomid: 4, remotePort: 9 },
    ],
    [
      { status: EvtchnState.pirq, remoteDom: 16 },
      { state: 'pirq', pirq: 16 },
    ],
    [
      { status: EvtchnState.virq, remoteDom: 3 },
      { state: 'virq', virq: 3 },
    ],
    [{ status: EvtchnState.ipi }, { state: 'ipi' }],
  ])('%o', (status, expected) => {
    const { hypercalls } = new ScriptedXen(0x15, [], status)
    expect(hypercalls.eventChannelStatus(1 as Domid, 5 as Port)).toEqual(expected)
  })

  it('is refused by name', () => {
    const { calls, hypercalls } = new ScriptedXen(0x15, [])
    calls.answers.set(HYPERCALL, () => {
      throw new SystemCallError('ioctl', 'ESRCH')
    })
    expect(() => hypercalls.eventChannelStatus(1 as Domid, 5 as Port)).toThrow(
      expect.objectContaining({ code: 'ESRCH' }),
    )
  })
})

it('two nodes are closed, and the memory between them given back', () => {
  const { calls, hypercalls } = new ScriptedXen(0x15, [])
  hypercalls[Symbol.dispose]()
  hypercalls[Symbol.dispose]()
  expect([calls.openFds.size, calls.mapped.size]).toEqual([0, 0])
})
