import { appendFileSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './folders.js'
import { buildImages } from './image/lab-images.js'
import type { MachineCommand } from './machine/machine.js'
import { type MachineSettings, qemuCommand, qemuEnvironment } from './machine/qemu-command.js'
import { NotRun } from './not-run.js'
import { fetchPackages, type Progress } from './packages/package-store.js'

/** Makes everything ready to boot. @returns the command line that boots it, for some words on dom0's kernel line */
export async function prepare(runFolder: string, progress: Progress) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NotRun(`the lab's programs are for Linux on x86-64, and this is ${process.platform} on ${process.arch}`)
  }
  const packages = await fetchPackages(cache, progress)
  mkdirSync(runFolder, { recursive: true })
  progress('images', 0)
  const { hypervisor, kernel, parts } = buildImages(cache, packages, runFolder)
  const initramfs = join(runFolder, 'dom0.img')
  const [base, ...others] = parts
  copyFileSync(base, initramfs)
  for (const part of others) appendFileSync(initramfs, readFileSync(part))
  const memory = 4096
  const settings: MachineSettings = { hypervisor, kernel, initramfs, memory, dom0Memory: 2048, kernelWords: [] }
  return {
    packages,
    command: (kernelWords: readonly string[]): MachineCommand => ({
      command: qemuCommand(packages.root, { ...settings, kernelWords }),
      environment: qemuEnvironment(packages.root),
    }),
  }
}
