import { expect, it } from 'vitest'
import type { Apt } from '../../../src/host/packages/apt.js'
import { newest, wantedPackages } from '../../../src/host/packages/wanted-packages.js'

const aptThatServes = (names: string[], kernel: string[], warnings = '') =>
  ({
    warnings,
    packageNames: async (prefix: string) => names.filter((name) => name.startsWith(prefix)),
    dependenciesOf: async () => kernel,
  }) as unknown as Apt

it.each([
  [['4.9', '4.17', '4.14'], '4.17'],
  [['vmlinuz-6.1.0-9-amd64', 'vmlinuz-6.1.0-56-amd64'], 'vmlinuz-6.1.0-56-amd64'],
  [[], undefined],
])('of %j the newest is %s', (versions, expected) => {
  expect(newest(versions)).toBe(expected)
})

it('the newest hypervisor, its own tools, and the kernel that the distribution would install are wanted', async () => {
  const names = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.20-amd64', 'xen-hypervisor-4.20-amd64-dbg']
  const wanted = await wantedPackages(aptThatServes(names, ['linux-image-6.12-amd64']))
  expect(wanted).toContain('xen-hypervisor-4.20-amd64')
  expect(wanted).toContain('xen-utils-4.20')
  expect(wanted).toContain('linux-image-6.12-amd64')
  expect(wanted.join()).not.toContain('4.17')
})

it.each([
  ['no hypervisor', [], ['linux-image-6.12-amd64'], /serve no xen-hypervisor-\*-amd64/],
  ['no such kernel', ['xen-hypervisor-4.17-amd64'], [], /serve no linux-image-amd64/],
])('sources that serve %s are a reason not to run, with what apt said', async (_, names, kernel, message) => {
  const apt = aptThatServes(names, kernel, 'W: no network')
  await expect(wantedPackages(apt)).rejects.toMatchObject({ name: 'NotRun', message: expect.stringMatching(message) })
  await expect(wantedPackages(apt)).rejects.toThrow(/W: no network/)
})
