// The oracle: what Xen's own headers (Debian's libxen-dev) say of every layout, by way of a C compiler.
// `npm run oracle` writes golden.json anew; with --print the answer goes to standard output. Exit code 3: cannot run here.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binOf } from '../../scripts/spawn.mjs'

const here = import.meta.dirname
const flags = [
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__',
]

const run = (command, args, input) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** Why the oracle cannot run here, or undefined. */
const missing = () => {
  if (spawnSync('gcc', ['--version']).status !== 0) return 'gcc is not installed'
  if (process.arch !== 'x64') return 'the golden layouts are those of x86-64'
  return existsSync('/usr/include/xen/xen.h') ? undefined : 'libxen-dev is not installed'
}

const outputOf = (directory, source, ...more) => {
  const program = join(directory, 'oracle')
  run('gcc', [...flags, ...more, '-o', program, join(here, source)])
  return run(program, []).trimEnd()
}

/** Has the compiler check the 32-bit numbers against the very headers under the 32-bit ABI; no C library is needed. */
const confirm32Bit = (layouts) => {
  const asserts = Object.entries(layouts).flatMap(([name, { size, fields }]) => {
    const type = `${name.endsWith('_entry') ? 'union' : 'struct'} ${name}`
    const offsets = fields.map((field) => `offsetof(${type}, ${field.name}) == ${field.offset}`)
    return [`sizeof(${type}) == ${size}`, ...offsets].map((claim) => `_Static_assert(${claim}, "");`)
  })
  const macros = ['mb', 'rmb', 'wmb'].map((name) => `#define xen_${name}() ((void)0)`)
  const headers = ['stddef.h', 'stdint.h', 'xen/xen.h', 'xen/io/blkif.h'].map((header) => `#include <${header}>`)
  const source = [...macros, ...headers, ...asserts, ''].join('\n')
  run('gcc', [...flags, '-m32', '-ffreestanding', '-fsyntax-only', '-x', 'c', '-'], source)
}

/** foreign/x86_32.h says how a 32-bit guest sees the machine's own pages; that guest has their plain names for it. */
const confirmForeign = (layouts) => {
  const foreign = Object.entries(layouts).filter(([name]) => name.endsWith('_x86_32'))
  confirm32Bit(Object.fromEntries(foreign.map(([name, layout]) => [name.replace('_x86_32', ''), layout])))
}

/** The oracle's whole answer, as text. */
const generate = () => {
  const directory = mkdtempSync(join(tmpdir(), 'split-driver-oracle-'))
  try {
    const machine = outputOf(directory, 'machine.c')
    const constants = outputOf(directory, 'constants.c')
    const privcmd = outputOf(directory, 'privcmd.c')
    const guest = outputOf(directory, 'guest.c')
    const x86_64 = outputOf(directory, 'blkif.c')
    const x86_32 = outputOf(directory, 'blkif.c', '-DORACLE_X86_32')
    confirm32Bit(JSON.parse(x86_32).layouts)
    confirmForeign(JSON.parse(machine).layouts)
    const common = `"machine": ${machine},\n"constants": ${constants},\n"privcmd": ${privcmd},\n"guest": ${guest}`
    return `{ ${common},\n"x86_64-abi": ${x86_64},\n"x86_32-abi": ${x86_32} }\n`
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const reason = missing()
if (reason !== undefined) {
  process.stderr.write(`the oracle cannot run: ${reason}\n`)
  process.exitCode = 3
} else if (process.argv.includes('--print')) {
  process.stdout.write(generate())
} else {
  const golden = join(here, 'golden.json')
  writeFileSync(golden, generate())
  run(process.execPath, [binOf('@biomejs/biome'), 'format', '--write', golden])
  process.stdout.write(`wrote ${golden}\n`)
}
