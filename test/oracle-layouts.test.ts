import {
  ArchSharedInfo,
  ArchSharedInfo32,
  ArchVcpuInfo,
  ArchVcpuInfo32,
  type FieldShapes,
  FifoControlBlock,
  type Layout,
  SchedPoll,
  SchedRemoteShutdown,
  SchedShutdown,
  SchedWatchdog,
  SharedInfo,
  SharedInfo32,
  StartInfo,
  StartInfo32,
  VcpuInfo,
  VcpuInfo32,
  VcpuRunstateInfo,
  VcpuSetSingleshotTimer,
  VcpuTimeInfo,
  XenCompileInfo,
  XenHvmParam,
  XenPlatformParameters,
} from '@split-driver/abi'
import { ARM_ABI, type BlkifAbi, segmentLayout, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import {
  GrantEntryHeader,
  GrantEntryV1,
  GrantEntryV2,
  GrantEntryV2SubPage,
  GrantEntryV2Transitive,
} from '@split-driver/grant'
import {
  flexRingInterface,
  HEADER_WORDS,
  ringSizeOf,
  sringHeader,
  xenconsInterface,
  xenstoreDomainInterface,
} from '@split-driver/ring'
import { xsdSockmsg } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import * as evtchn from '../packages/privcmd/src/evtchn-ioctl.js'
import * as gntalloc from '../packages/privcmd/src/gntalloc-ioctl.js'
import * as gntdev from '../packages/privcmd/src/gntdev-ioctl.js'
import * as hypercall from '../packages/privcmd/src/hypercall-abi.js'
import { type GoldenLayout, golden } from './oracle/golden.js'
import { type Leaf, leavesOf } from './oracle/leaves.js'

type AnyLayout = Layout<FieldShapes>

/** Ours and, in the same order, what the headers say. */
interface Subject {
  readonly title: string
  readonly ours: AnyLayout
  readonly theirs: GoldenLayout
  /** The C struct goes on behind ours. */
  readonly isHead?: boolean
}

const machine: Subject[] = [
  VcpuTimeInfo,
  ArchVcpuInfo,
  VcpuInfo,
  ArchSharedInfo,
  SharedInfo,
  ArchVcpuInfo32,
  VcpuInfo32,
  ArchSharedInfo32,
  SharedInfo32,
  FifoControlBlock,
  StartInfo,
  StartInfo32,
  GrantEntryV1,
  GrantEntryHeader,
  GrantEntryV2,
  GrantEntryV2SubPage,
  GrantEntryV2Transitive,
  xenconsInterface,
  xenstoreDomainInterface,
  xsdSockmsg,
].map((ours) => ({ title: ours.name, ours: ours as AnyLayout, theirs: golden.machine.layouts[ours.name]! }))

const guest: Subject[] = [
  SchedShutdown,
  SchedPoll,
  SchedRemoteShutdown,
  SchedWatchdog,
  VcpuSetSingleshotTimer,
  VcpuRunstateInfo,
  XenCompileInfo,
  XenPlatformParameters,
  XenHvmParam,
].map((ours) => ({ title: ours.name, ours: ours as AnyLayout, theirs: golden.guest.layouts[ours.name]! }))

/** The example of the flexible ring's page ends where its array of grant references begins. */
const flexRing: Subject = {
  title: flexRingInterface.name,
  ours: flexRingInterface,
  theirs: golden.machine.layouts['xen_flex_data_intf']!,
}

const blkif = (abi: BlkifAbi, part: 'x86_64-abi' | 'x86_32-abi'): Subject[] => [
  ...[segmentLayout, abi.request, abi.discard, abi.indirect, abi.response].map((ours) => ({
    title: `${ours.name} of ${abi.protocol}`,
    ours: ours as AnyLayout,
    theirs: golden[part].layouts[ours.name]!,
  })),
  {
    title: `blkif_sring of ${abi.protocol}`,
    ours: sringHeader,
    theirs: golden[part].layouts['blkif_sring']!,
    isHead: true,
  },
]

const nodes: Subject[] = [
  evtchn.bindVirq,
  evtchn.bindInterdomain,
  evtchn.bindUnboundPort,
  evtchn.unbindPort,
  evtchn.notifyPort,
  gntdev.grantRefEntry,
  gntdev.mapGrantRef,
  gntdev.unmapGrantRef,
  gntdev.unmapNotify,
  gntdev.grantCopySegment,
  gntdev.grantCopy,
  gntalloc.allocGref,
  gntalloc.deallocGref,
  hypercall.privcmdHypercall,
  hypercall.xenFeatureInfo,
  hypercall.evtchnStatus,
  hypercall.sysctlGetDomainInfoList,
].map((ours) => ({ title: ours.name, ours: ours as AnyLayout, theirs: golden.privcmd.layouts[ours.name]! }))

const privcmd: Subject[] = [
  ...nodes,
  {
    title: 'ioctl_gntalloc_unmap_notify, the same under another name',
    ours: gntdev.unmapNotify as AnyLayout,
    theirs: golden.privcmd.layouts['ioctl_gntalloc_unmap_notify']!,
  },
  {
    title: hypercall.domainInfo.name,
    ours: hypercall.domainInfo as AnyLayout,
    theirs: golden.privcmd.layouts[hypercall.domainInfo.name]!,
    isHead: true,
  },
]

const subjects: readonly Subject[] = [
  ...machine,
  ...guest,
  flexRing,
  ...privcmd,
  ...blkif(X86_64_ABI, 'x86_64-abi'),
  ...blkif(X86_32_ABI, 'x86_32-abi'),
  ...blkif(ARM_ABI, 'x86_64-abi'),
]

/** Ours are in camel case, and take one side of each union of C; a grant reference is a bare number there. */
const plain = (name: string): string =>
  name
    .replace('console.domU.', 'console_')
    .replace('.foreign.', '_')
    .replace('u.interdomain.', 'remote_')
    .replace(/^u\.getdomaininfolist\.(\w+)(\.p)?$/, '$1')
    .replace(/^(indirect_grefs\[\d\])\.gref$/, '$1')
    .replaceAll('_', '')
    .toLowerCase()

const exampleOf = ({ ours, theirs }: Subject): Uint8Array =>
  Uint8Array.from(Buffer.from(theirs.bytes, 'hex')).slice(0, ours.bytes)

/** A struct's bytes as private words, filled up with zeros. */
const wordsOf = (bytes: Uint8Array): Int32Array => {
  const words = new Int32Array((bytes.length + 3) >> 2)
  new Uint8Array(words.buffer).set(bytes)
  return words
}

/** The value the headers' example holds, as our field should read it. */
const expectedValue = (leaf: Leaf, value: string | undefined, example: Uint8Array): unknown => {
  const read = leaf.get(wordsOf(example))
  const bytes = example.slice(leaf.offset, leaf.offset + leaf.bytes)
  if (read instanceof Uint8Array) return bytes
  if (Array.isArray(read)) return [...new Uint32Array(bytes.buffer)]
  if (typeof read === 'bigint') return BigInt(value!)
  return typeof read === 'number' ? Number(value) : value
}

describe.each(subjects)('$title', (subject) => {
  const leaves = leavesOf(subject.ours)
  const fields = new Map(subject.theirs.fields.map((field) => [plain(field.name), field]))

  it('has the size that C says', () => {
    if (subject.isHead) expect(subject.ours.bytes).toBeLessThanOrEqual(subject.theirs.size)
    else expect(subject.ours.bytes).toBe(subject.theirs.size)
  })

  it('has each field where C has it, and no other', () => {
    const places = (of: Iterable<[string, number, number]>) => [...of].sort((a, b) => a[1] - b[1])
    expect(places(leaves.map((leaf) => [plain(leaf.name), leaf.offset, leaf.bytes]))).toEqual(
      places([...fields].map(([name, field]) => [name, field.offset, field.size])),
    )
  })

  it('reads the bytes that C wrote', () => {
    const example = exampleOf(subject)
    const words = wordsOf(example)
    for (const leaf of leaves)
      expect([leaf.name, leaf.get(words)]).toEqual([
        leaf.name,
        expectedValue(leaf, fields.get(plain(leaf.name))!.value, example),
      ])
  })

  it('writes the bytes that C wrote', () => {
    const example = exampleOf(subject)
    const words = new Int32Array(subject.ours.words)
    for (const leaf of leaves) leaf.set(words, expectedValue(leaf, fields.get(plain(leaf.name))!.value, example))
    expect(Buffer.from(words.buffer).subarray(0, subject.ours.bytes).toString('hex')).toBe(
      Buffer.from(example).toString('hex'),
    )
  })
})

describe.each([
  [X86_64_ABI, golden['x86_64-abi']],
  [X86_32_ABI, golden['x86_32-abi']],
  [ARM_ABI, golden['x86_64-abi']],
] as const)('the ring of $protocol', (abi, { layouts, constants }) => {
  it('rule 2: has slots as large as C says, behind 64 bytes', () => {
    expect(abi.slotBytes).toBe(layouts['blkif_sring_entry']!.size)
    expect(HEADER_WORDS * 4).toBe(constants['offsetof(struct blkif_sring, ring)'])
  })

  it.each([0, 1, 2, 3, 4])('rule 2: has as many slots as C says at order %i', (order) => {
    expect(ringSizeOf(4096 << order, abi.slotBytes)).toBe(constants[`RING_SLOTS(${order})`])
  })
})
