/** A guest for tests: reads its disk once, then sleeps until it is asked to shut down; never looks at its console. */
import { BlkifFrontend } from '@split-driver/blkif'

export const program = async ({ platform, signal }) => {
  const disk = await BlkifFrontend.open(platform, 'xvda')
  await disk.read(0, new Uint8Array(4096))
  await platform.xenstore.write('data/read', '1')
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await disk.close()
}
