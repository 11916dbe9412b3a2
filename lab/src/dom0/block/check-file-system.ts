import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../scenario.js'
import { command } from '../command.js'
import type { ServedDisk } from './check-durability.js'

/** The guest makes a file system and fills it; dom0 looks at the image with e2fsprogs. */
export const checkFileSystem = async (lab: Lab, { guest, device, image }: ServedDisk): Promise<void> => {
  await lab.check('mkfs.ext4 in the guest; it mounts', () =>
    guest.output(`mkfs.ext4 -q ${device} && mount -t ext4 ${device} /mnt`),
  )
  const manifest = await lab.check('a tree is copied, and unmounted', async () => {
    await guest.output('mkdir /mnt/tree && cp -a /bin /etc /lib /usr /mnt/tree && sync')
    // After this the guest has nothing in memory: what it hashes comes from the disk.
    await guest.output(`umount /mnt && mount -t ext4 -o ro ${device} /mnt`)
    const output = await guest.output('cd /mnt/tree && find . -type f | sort | xargs sha256sum')
    await guest.output('umount /mnt')
    return output.split('\n').map((line) => line.split('  ') as [hash: string, path: string])
  })
  await lab.check('e2fsck -fn in dom0 finds no fault in the image', () => command('e2fsck', ['-fn', image.path]))
  await lab.check(
    `debugfs in dom0 finds all of the tree's files in the image, each with the guest's SHA-256`,
    async () => {
      assert.ok(manifest.length > 10, `only ${manifest.length} files`)
      const folder = join(lab.folder, 'copied')
      mkdirSync(folder)
      await command('debugfs', ['-R', `rdump /tree ${folder}`, image.path])
      for (const [hash, path] of manifest) {
        const bytes = readFileSync(join(folder, 'tree', path))
        assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, path)
      }
    },
  )
}
