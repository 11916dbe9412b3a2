/**
 * A machine and its toolstack as a person uses them, in processes of their own: two guests from files in xl's format, a
 * console, a disk. Run it with `npm run example -- 04-machine`, or type the same commands yourself.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningMachine } from './split-driver.js'

const here = (name: string) => fileURLToPath(new URL(`../../04-machine/${name}`, import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'split-driver-'))
const image = join(folder, 'disk.img')
await writeFile(image, new Uint8Array(1 << 20))

{
  await using machine = await RunningMachine.start(join(folder, 'machine.sock'))
  await machine.command('create', here('mini.cfg'))
  await machine.command('create', here('disk.cfg'), `disk=["${image},raw,xvda,w"]`)
  const table = await machine.command('list')
  assert.match(table, /^mini +1 +16 +1 .*\ndisky +2 +32 +2 /m)

  // The console is the guest's own shell; what is typed goes through a ring page, its disk through another.
  const console = await machine.type('console', ['disky'], 'write 7 one sector through the ring\rread 7\rhalt\r')
  assert.match(console, /\r\none sector through the ring\r\n[\s\S]*halting/)
  assert.equal((await readFile(image)).subarray(7 * 512, 7 * 512 + 10).toString(), 'one sector')

  await machine.command('xenstore', 'read', '/local/domain/1/name')
  await machine.command('shutdown', '--wait', 'mini')
}
await rm(folder, { recursive: true })
console.log('the machine has ended in order')
