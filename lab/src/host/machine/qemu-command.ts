import { execFileSync } from 'node:child_process'
import type { ForeignRoot } from '@split-driver/debian'
import type { StoreDaemon } from '../../scenario.js'

/** What a machine is started with. */
export interface MachineSettings {
  readonly hypervisor: string
  readonly kernel: string
  /** dom0's initramfs, one file. */
  readonly initramfs: string
  /** Memory of the whole machine and of dom0, in MiB. */
  readonly memory: number
  readonly dom0Memory: number
  readonly storeDaemon: StoreDaemon
}

/**
 * Xen without what guards against leaks between domains: nobody here has a secret, and under emulation it costs up to
 * three times the work. Memory needs no scrubbing either: QEMU hands it out as zeroes.
 */
const xenWords = [
  'console=com1',
  'xpti=off',
  'spec-ctrl=no',
  'pv-l1tf=off',
  'bootscrub=0',
  'loglvl=warning',
  'sched=credit',
]
const kernelWords = ['console=hvc0', 'quiet', 'rdinit=/init', 'mitigations=off', 'panic=-1', 'audit=0', 'nokaslr']

/** The file descriptor of QEMU's process that the second serial port is. */
export const agentDescriptor = 3

/** Run from an unpacked package, QEMU finds its own modules only when it is told. */
export const qemuEnvironment = (root: ForeignRoot) => ({ QEMU_MODULE_DIR: root.at('/usr/lib/x86_64-linux-gnu/qemu') })

/**
 * QEMU's command line. Not `-cpu max`: this emulation of SMAP stops dom0, and that of AVX makes Node crash at random;
 * Westmere has neither.
 */
export function qemuCommand(root: ForeignRoot, settings: MachineSettings): [string, ...string[]] {
  const xen = [...xenWords, `dom0_mem=${settings.dom0Memory}M,max:${settings.dom0Memory}M`].join(' ')
  // The kernel passes over words that it does not know; dom0's first process reads this one.
  const kernel = [settings.kernel, ...kernelWords, `lab.xenstored=${settings.storeDaemon}`].join(' ')
  return root.command(root.find('qemu-system-x86_64'), [
    ...['-L', root.at('/usr/share/qemu'), '-L', root.at('/usr/share/seabios'), '-L', root.at('/usr/lib/ipxe/qemu')],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'Westmere', '-smp', '2', '-m', `${settings.memory}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', 'stdio', '-chardev', `socket,id=agent,fd=${agentDescriptor}`, '-serial', 'chardev:agent'],
    ...['-kernel', settings.hypervisor, '-append', xen],
    // QEMU splits the list of modules at commas; doubled ones stay.
    ...['-initrd', [kernel, settings.initramfs].map((module) => module.replaceAll(',', ',,')).join(',')],
  ])
}

/** Such as `7.2.22`, as the program itself says it. */
export function qemuVersion(root: ForeignRoot): string {
  const [program, ...args] = root.command(root.find('qemu-system-x86_64'), ['--version'])
  const said = execFileSync(program, args, { encoding: 'utf8' })
  return /version (\S+)/.exec(said)?.[1] ?? said.trim()
}
