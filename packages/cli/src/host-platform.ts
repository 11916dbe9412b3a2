import { XenError } from '@split-driver/abi'
import { inspectHost, PrivcmdPlatform } from '@split-driver/privcmd'

/**
 * Opens the host that this process runs on, for a backend.
 * @throws XenError that says what is missing and what to do
 */
export const openHostPlatform = async (): Promise<PrivcmdPlatform> => {
  try {
    return await openWithNodes()
  } catch (error) {
    throw (await withoutXen(error)) ?? error
  }
}

/** Backends need two of the nodes from the first guest on: what is missing there is told now, not then. */
const openWithNodes = async (): Promise<PrivcmdPlatform> => {
  const platform = await PrivcmdPlatform.open()
  try {
    void platform.events
    void platform.mapper
    return platform
  } catch (error) {
    await platform[Symbol.asyncDispose]()
    throw error
  }
}

/** Without Xen there is one thing to say, whatever failed first. */
const withoutXen = async (cause: unknown): Promise<XenError | undefined> => {
  if ((await inspectHost()).xen !== undefined) return undefined
  const advice = 'run this in dom0 or in a driver domain of a Xen host; split-driver doctor says what a host offers'
  return new XenError('ENODEV', `this machine does not run under Xen: ${advice}`, { cause })
}
