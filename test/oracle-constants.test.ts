import {
  CAPABILITIES_BYTES,
  CHANGESET_BYTES,
  COMMANDLINE_BYTES,
  ConsoleIoOp,
  DOMID_FIRST_RESERVED,
  DOMID_SELF,
  EVTCHN_2L_CHANNELS,
  EVTCHN_FIFO_CHANNELS,
  EVTCHN_FIFO_LINK_BITS,
  EVTCHN_FIFO_QUEUES,
  EventPriority,
  EventWord,
  EXTRAVERSION_BYTES,
  HvmOp,
  HvmParam,
  LEGACY_MAX_VCPUS,
  MAX_GUEST_CMDLINE,
  NR_VIRQS,
  Runstate,
  SchedOp,
  ShutdownReason,
  StartInfoFlag,
  VCPU_SSHOTTMR_FUTURE,
  VcpuOp,
  VIRQ,
  XENFEAT_SUBMAPS,
  XenFeature,
  XenVersionOp,
} from '@split-driver/abi'
import { BlkifOp, BlkifStatus, DISCARD_SECURE, MAX_INDIRECT_PAGES, MAX_SEGMENTS, Vdisk } from '@split-driver/blkif'
import {
  GRANT_ENTRIES_PER_FRAME,
  GRANT_ENTRIES_V2_PER_FRAME,
  GRANT_RESERVED_CONSOLE,
  GRANT_RESERVED_ENTRIES,
  GRANT_RESERVED_XENSTORE,
  GRANT_STATUSES_PER_FRAME,
  GrantCacheFlag,
  GrantCopyFlag as GrantCopyOpFlag,
  GrantFlag,
  GrantMapFlag,
  GrantStatus,
} from '@split-driver/grant'
import { xenstoreDomainInterface } from '@split-driver/ring'
import {
  ABSOLUTE_PATH_MAX_BYTES,
  PAYLOAD_MAX_BYTES,
  RELATIVE_PATH_MAX_BYTES,
  WIRE_ERRORS,
  XenbusState,
  XenStoreConnection,
  XenStoreOp,
  XenStoreRingError,
  XenStoreServerFeature,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { EvtchnRequest, PORT_BYTES } from '../packages/privcmd/src/evtchn-ioctl.js'
import { GNTALLOC_FLAG_WRITABLE, GntallocRequest } from '../packages/privcmd/src/gntalloc-ioctl.js'
import { GntdevRequest, GrantCopyFlag, UnmapNotifyAction } from '../packages/privcmd/src/gntdev-ioctl.js'
import * as hypercall from '../packages/privcmd/src/hypercall-abi.js'
import { golden } from './oracle/golden.js'

const { xsd_errors } = golden.constants
const constants = { ...golden.constants.constants, ...golden.privcmd.constants, ...golden.guest.constants }

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase()

/** The header's constants that begin so, and how they are called without that. */
const theirs = (prefix: string, except: readonly string[] = []): Map<string, number> =>
  new Map(
    Object.entries(constants)
      .filter(([name]) => name.startsWith(prefix) && !except.includes(name))
      .map(([name, value]) => [plain(name.slice(prefix.length)), value]),
  )

/** Names of ours that differ by more than their case; those the installed header is too old for are left out. */
const ours = (values: Readonly<Record<string, number>>, renamed: Readonly<Record<string, string>> = {}) =>
  new Map(Object.entries(values).map(([name, value]) => [plain(renamed[name] ?? name), value]))

const newerThanHeaders = ['GetFeature', 'SetFeature', 'GetQuota', 'SetQuota']

const without = (values: Readonly<Record<string, number>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))

describe('every constant has the number that the headers give it', () => {
  it.each([
    ['VIRQ_*', ours(VIRQ), theirs('VIRQ_')],
    ['EVTCHN_FIFO_PRIORITY_*', ours(EventPriority), theirs('EVTCHN_FIFO_PRIORITY_')],
    ['SIF_*', ours(StartInfoFlag), theirs('SIF_')],
    ['HVM_PARAM_*', ours(HvmParam), theirs('HVM_PARAM_')],
    ['rule 70: GTF_*', ours(GrantFlag), theirs('GTF_')],
    ['rule 70: GNTST_*', ours(GrantStatus), new Map([...theirs('GNTST_')].map(([k, v]) => [`gntst${k}`, v]))],
    ['rule 11: BLKIF_OP_*', ours(BlkifOp), theirs('BLKIF_OP_')],
    ['rule 11: BLKIF_RSP_*', ours(BlkifStatus, { NotSupported: 'EOPNOTSUPP' }), theirs('BLKIF_RSP_')],
    ['GNTMAP_*', ours(GrantMapFlag), theirs('GNTMAP_')],
    ['GNTTAB_CACHE_*', ours(GrantCacheFlag), theirs('GNTTAB_CACHE_')],
    ['GNTCOPY_*, of the hypercall', ours(GrantCopyOpFlag), theirs('GNTCOPY_')],
    ['VDISK_*', ours(Vdisk), theirs('VDISK_')],
    ['rule 32: XenbusState*', ours(XenbusState), theirs('XenbusState')],
    ['rule 56: XS_*', ours(without(XenStoreOp, newerThanHeaders)), theirs('XS_')],
    [
      'rule 54: XENSTORE_ERROR_*',
      ours(XenStoreRingError, { Communication: 'COMM', RingIndex: 'RINGIDX', Protocol: 'PROTO' }),
      theirs('XENSTORE_ERROR_'),
    ],
    [
      'rule 54: XENSTORE_SERVER_FEATURE_*',
      ours(without(XenStoreServerFeature, ['WatchDepth'])),
      theirs('XENSTORE_SERVER_FEATURE_'),
    ],
    ['IOCTL_EVTCHN_*', ours(EvtchnRequest), theirs('IOCTL_EVTCHN_')],
    ['IOCTL_GNTDEV_*', ours(GntdevRequest), theirs('IOCTL_GNTDEV_')],
    ['IOCTL_GNTALLOC_*', ours(GntallocRequest), theirs('IOCTL_GNTALLOC_')],
    ['IOCTL_PRIVCMD_*', ours(hypercall.PrivcmdRequest), theirs('IOCTL_PRIVCMD_')],
    ['UNMAP_NOTIFY_*', ours(UnmapNotifyAction), theirs('UNMAP_NOTIFY_')],
    ['GNTCOPY_*', ours(GrantCopyFlag), theirs('GNTCOPY_')],
    ['__HYPERVISOR_*', ours(hypercall.Hypercall), theirs('__HYPERVISOR_')],
    ['XENVER_*', ours(XenVersionOp), theirs('XENVER_')],
    ['XENFEAT_*', ours(XenFeature), theirs('XENFEAT_', ['XENFEAT_NR_SUBMAPS'])],
    ['SCHEDOP_*', ours(SchedOp), theirs('SCHEDOP_')],
    ['VCPUOP_*', ours(VcpuOp), theirs('VCPUOP_')],
    ['RUNSTATE_*', ours(Runstate), theirs('RUNSTATE_')],
    ['HVMOP_*', ours(HvmOp), theirs('HVMOP_')],
    ['CONSOLEIO_*', ours(ConsoleIoOp), theirs('CONSOLEIO_')],
    ['XEN_DOMINF_*', ours(hypercall.DomainInfoFlag), theirs('XEN_DOMINF_', ['XEN_DOMINF_shutdownshift'])],
    ['EVTCHNSTAT_*', ours(hypercall.EvtchnState), theirs('EVTCHNSTAT_')],
    ['SHUTDOWN_*', ours(ShutdownReason), theirs('SHUTDOWN_')],
  ])('%s', (_, values, expected) => {
    expect(expected.size).toBeGreaterThan(0)
    expect(values).toEqual(expected)
  })

  it.each([
    ['DOMID_FIRST_RESERVED', DOMID_FIRST_RESERVED],
    ['DOMID_SELF', DOMID_SELF],
    ['XEN_LEGACY_MAX_VCPUS', LEGACY_MAX_VCPUS],
    ['EVTCHN_2L_NR_CHANNELS', EVTCHN_2L_CHANNELS],
    ['NR_VIRQS', NR_VIRQS],
    ['EVTCHN_FIFO_NR_CHANNELS', EVTCHN_FIFO_CHANNELS],
    ['EVTCHN_FIFO_LINK_BITS', EVTCHN_FIFO_LINK_BITS],
    ['EVTCHN_FIFO_MAX_QUEUES', EVTCHN_FIFO_QUEUES],
    ['EVTCHN_FIFO_LINK_MASK', EventWord.LinkMask],
    ['EVTCHN_FIFO_PENDING', Math.log2(EventWord.Pending >>> 0)],
    ['EVTCHN_FIFO_MASKED', Math.log2(EventWord.Masked)],
    ['EVTCHN_FIFO_LINKED', Math.log2(EventWord.Linked)],
    ['EVTCHN_FIFO_BUSY', Math.log2(EventWord.Busy)],
    ['MAX_GUEST_CMDLINE', MAX_GUEST_CMDLINE],
    ['GNTTAB_NR_RESERVED_ENTRIES', GRANT_RESERVED_ENTRIES],
    ['GNTTAB_RESERVED_CONSOLE', GRANT_RESERVED_CONSOLE],
    ['GNTTAB_RESERVED_XENSTORE', GRANT_RESERVED_XENSTORE],
    ['BLKIF_MAX_SEGMENTS_PER_REQUEST', MAX_SEGMENTS],
    ['BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST', MAX_INDIRECT_PAGES],
    ['BLKIF_DISCARD_SECURE', DISCARD_SECURE],
    ['XENSTORE_RING_SIZE', xenstoreDomainInterface.at.req.bytes],
    ['XENSTORE_PAYLOAD_MAX', PAYLOAD_MAX_BYTES],
    ['XENSTORE_ABS_PATH_MAX', ABSOLUTE_PATH_MAX_BYTES],
    ['XENSTORE_REL_PATH_MAX', RELATIVE_PATH_MAX_BYTES],
    ['XENSTORE_CONNECTED', XenStoreConnection.Connected],
    ['XENSTORE_RECONNECT', XenStoreConnection.Reconnect],
    ['sizeof(evtchn_port_t)', PORT_BYTES],
    ['GNTALLOC_FLAG_WRITABLE', GNTALLOC_FLAG_WRITABLE],
    ['sizeof(xen_extraversion_t)', EXTRAVERSION_BYTES],
    ['sizeof(xen_capabilities_info_t)', CAPABILITIES_BYTES],
    ['sizeof(xen_changeset_info_t)', CHANGESET_BYTES],
    ['sizeof(xen_commandline_t)', COMMANDLINE_BYTES],
    ['XENFEAT_NR_SUBMAPS', XENFEAT_SUBMAPS],
    ['VCPU_SSHOTTMR_future', VCPU_SSHOTTMR_FUTURE],
    ['EVTCHNOP_status', hypercall.EVTCHNOP_STATUS],
    ['offsetof(struct evtchn_status, u.virq)', hypercall.evtchnStatusSource.offset],
    ['offsetof(struct evtchn_status, u.pirq)', hypercall.evtchnStatusSource.offset],
    ['XEN_SYSCTL_getdomaininfolist', hypercall.SYSCTL_GETDOMAININFOLIST],
    ['XEN_DOMINF_shutdownshift', hypercall.SHUTDOWN_SHIFT],
  ])('%s', (name, value) => {
    expect(value).toBe(constants[name])
  })

  it('rule 39: the errors that travel are those of xsd_errors, in its order', () => {
    expect(WIRE_ERRORS).toEqual(xsd_errors)
  })

  it('the sysctl interface of the installed headers is one of those known', () => {
    expect(hypercall.SYSCTL_VERSIONS).toContain(constants['XEN_SYSCTL_INTERFACE_VERSION'])
  })

  it('rule 67: a page holds 256 grant entries of version 2, or 2048 statuses', () => {
    expect(GRANT_ENTRIES_V2_PER_FRAME).toBe(4096 / constants['sizeof(union grant_entry_v2)']!)
    expect(GRANT_STATUSES_PER_FRAME).toBe(4096 / constants['sizeof(grant_status_t)']!)
  })

  it('rule 67: a page holds 512 grant entries of version 1', () => {
    expect(GRANT_ENTRIES_PER_FRAME).toBe(4096 / golden.machine.layouts['grant_entry_v1']!.size)
  })
})
