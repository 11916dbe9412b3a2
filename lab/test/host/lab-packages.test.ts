import { type Apt, NotRun } from '@split-driver/debian'
import { expect, it } from 'vitest'
import { wantedPackages } from '../../src/host/lab-packages.js'

const aptThatServes = (names: string[], kernel: string[]) =>
  ({
    notServed: (name: string) => new NotRun(`nobody serves ${name}`),
    packageNames: async (prefix: string) => names.filter((name) => name.startsWith(prefix)),
    dependenciesOf: async () => kernel,
  }) as unknown as Apt

it('the newest hypervisor, its own tools, and the kernel that the distribution would install are wanted', async () => {
  const names = ['xen-hypervisor-4.17-amd64', 'xen-hypervisor-4.20-amd64', 'xen-hypervisor-4.20-amd64-dbg']
  const wanted = await wantedPackages(aptThatServes(names, ['linux-image-6.12-amd64']))
  expect(wanted).toContain('xen-hypervisor-4.20-amd64')
  expect(wanted).toContain('xen-utils-4.20')
  expect(wanted).toContain('linux-image-6.12-amd64')
  expect(wanted.join()).not.toContain('4.17')
})

it.each([
  ['no hypervisor', [], ['linux-image-6.12-amd64'], /serves xen-hypervisor-\*-amd64/],
  ['no such kernel', ['xen-hypervisor-4.17-amd64'], [], /serves linux-image-amd64/],
])('sources that serve %s are a reason not to run', async (_, names, kernel, message) => {
  const apt = aptThatServes(names, kernel)
  await expect(wantedPackages(apt)).rejects.toMatchObject({ name: 'NotRun', message: expect.stringMatching(message) })
})
