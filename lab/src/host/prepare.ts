import { appendFileSync, copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ForeignRoot, fetchPackages, NotRun, withCacheLock } from '@split-driver/debian'
import type { StoreDaemon } from '../scenario.js'
import { cache } from './folders.js'
import { buildImages, type LabImages } from './image/lab-images.js'
import { labPackages } from './lab-packages.js'
import type { MachineCommand } from './machine/machine.js'
import { qemuCommand, qemuEnvironment, qemuVersion } from './machine/qemu-command.js'
import type { ProgressDisplay } from './report/progress-display.js'
import type { RunFolder } from './run-folder.js'

/** Of the whole machine; what dom0 does not have is for guests. QEMU takes from the host only what is touched. */
const machineMebibytes = 4096
const dom0Mebibytes = 2048
const neededMebibytes = machineMebibytes + 512

/** A machine that is ready to boot. */
export interface Prepared {
  readonly qemuVersion: string
  machineWith(storeDaemon: StoreDaemon): MachineCommand
}

/** Fetches what is missing and builds what changed. @throws NotRun when this machine cannot do it */
export async function prepare(run: RunFolder, display: ProgressDisplay): Promise<Prepared> {
  requireMachine()
  const onWait = () => display.line('another run is filling the cache; waiting for it')
  return withCacheLock(cache, onWait, () => fetchAndBuild(run, display).catch(explainFullDisk))
}

async function fetchAndBuild(run: RunFolder, display: ProgressDisplay): Promise<Prepared> {
  const packages = await fetchPackages(cache, labPackages, (what, share) => display.share(what, share))
  display.doing('building images')
  const images = buildImages(cache, packages, run.images)
  return preparedFrom(packages.root, images, joined(images.parts, join(run.images, 'dom0.img')))
}

function explainFullDisk(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error
  throw new NotRun(`the disk of ${cache} is full: ${error.message}`)
}

function preparedFrom(root: ForeignRoot, { hypervisor, kernel }: LabImages, initramfs: string): Prepared {
  const settings = { hypervisor, kernel, initramfs, memory: machineMebibytes, dom0Memory: dom0Mebibytes }
  return {
    qemuVersion: qemuVersion(root),
    machineWith: (storeDaemon) => ({
      command: qemuCommand(root, { ...settings, storeDaemon }),
      environment: qemuEnvironment(root),
    }),
  }
}

/** Xen hands dom0 one initramfs, so its parts become one file. */
function joined([base, ...others]: readonly string[], target: string) {
  copyFileSync(base, target)
  for (const part of others) appendFileSync(target, readFileSync(part))
  return target
}

function requireMachine() {
  const { platform, arch } = process
  if (platform !== 'linux' || arch !== 'x64') {
    throw new NotRun(`the lab's programs are for Linux on x86-64, and this is ${platform} on ${arch}`)
  }
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024
  if (available >= neededMebibytes) return
  throw new NotRun(
    `the machine to boot needs ${neededMebibytes} MiB of memory, and ${Math.round(available)} MiB are available`,
  )
}
