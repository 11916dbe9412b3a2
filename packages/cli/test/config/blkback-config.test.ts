import { mkdirSync, writeFileSync } from 'node:fs'
import { ConfigError, readBlkbackConfig } from '@split-driver/cli'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
let file: string
beforeEach(() => {
  folder = new ScratchFolder()
  file = folder.file('blkback.json')
  writeFileSync(folder.file('a.img'), new Uint8Array(512))
  mkdirSync(folder.file('images'))
})
afterEach(() => folder[Symbol.dispose]())

const read = (text: string) => {
  writeFileSync(file, text)
  return readBlkbackConfig(file)
}

test('comments and trailing commas are fine; what is left out has a default; paths begin at the file', async () => {
  const text = `{
    // the one disk
    "images": { "a": { "file": "a.img" /* raw */ }, },
    "folders": [{ "path": "images", "readOnly": true, "sectorBytes": 4096, "asynchronous": true, "shared": true }],
  }`
  expect(await read(text)).toEqual({
    kind: 'vbd',
    logLevel: 'info',
    images: {
      a: { file: folder.file('a.img'), readOnly: false, sectorBytes: 512, asynchronous: false, shared: false },
    },
    folders: [{ path: folder.file('images'), readOnly: true, sectorBytes: 4096, asynchronous: true, shared: true }],
  })
})

test('an image may be an export of an NBD server', async () => {
  const nbd = 'nbds+unix:///data?socket=/run/nbd.sock'
  const text = JSON.stringify({
    images: { a: { nbd }, b: { nbd: 'nbd://[::1]/b', readOnly: true, sectorBytes: 4096 } },
  })
  expect((await read(text)).images).toEqual({
    a: { nbd, readOnly: false },
    b: { nbd: 'nbd://[::1]/b', readOnly: true, sectorBytes: 4096 },
  })
})

describe('a bad configuration is one line with file, line, key, what was found and what was expected', () => {
  test.each([
    ['', /blkback.json:1: value expected, found the end of the file/],
    ['{\n  "kind": "vbd"\n  "images": {}\n}', /blkback.json:3: comma expected, found "\\"images\\""/],
    ['{ "kind": "vbd",', /:1: .*, found the end of the file/],
    ['[]', /:1: the configuration is \[\]; expected an object with kind, /],
    ['{\n"kind": 7,\n}', /:2: "kind" is 7; expected the name of a directory/],
    ['{ "kind": "../vbd" }', /:1: "kind" is "..\/vbd"; expected the name/],
    ['{\n\n"kinds": "vbd" }', /:3: there is no key "kinds"; expected an object with kind, logLevel, images, folders/],
    ['{ "logLevel": "loud" }', /"logLevel" is "loud"; expected one of debug, info, warn, error/],
    ['{ "images": [] }', /"images" is \[\]; expected an object of images by name/],
    ['{ "images": { "a": "a.img" } }', /"images.a" is "a.img"; expected an object with file, /],
    ['{ "images": {\n"a": {} } }', /:2: "images.a.file" is missing; expected an object with file, readOnly, /],
    ['{ "images": { "a": { "file": "" } } }', /"images.a.file" is ""; expected the path/],
    ['{ "images": { "/a": { "file": "a.img" } } }', /"images.\/a" is .*; expected a name of letters/],
    [
      '{ "images": { "a": { "file": "a.img",\n "readonly": true } } }',
      /:2: there is no key "images.a.readonly"; expected/,
    ],
    ['{ "images": { "a": { "file": "a.img", "readOnly": "yes" } } }', /readOnly" is "yes"; expected true or false/],
    [
      '{ "images": { "a": { "file": "a.img", "sectorBytes": 513 } } }',
      /sectorBytes" is 513; expected one of 512, 1024/,
    ],
    [
      '{ "images": {\n\n"a": { "file": "b.img" } } }',
      /:3: "images.a.file" is ".*b.img", which cannot be reached \(ENOENT\)/,
    ],
    [
      '{ "images": { "a": { "file": "images" } } }',
      /images.a.file" is ".*", which is something else; expected a file or/,
    ],
    ['{ "images": { "a": {\n"nbd": 7 } } }', /:2: "images.a.nbd" is 7; expected an NBD URI, such as/],
    ['{ "images": { "a": { "nbd": "host:9" } } }', /"images.a.nbd" is "host:9"; EINVAL: .*expected nbd:\/\/HOST/],
    ['{ "images": { "a": { "nbd": "nbd+unix:///?socket=s" } } }', /"images.a.nbd" is .*; expected the whole path/],
    [
      '{ "images": { "a": { "nbd": "nbd://h",\n "file": "a.img" } } }',
      /:2: there is no key "images.a.file"; expected an object with nbd, readOnly, sectorBytes/,
    ],
    [
      '{ "folders": [{ "path": "a.img" }] }',
      /"folders.0.path" is ".*a.img", which is something else; expected a folder/,
    ],
    ['{ "folders": {} }', /"folders" is \{\}; expected a list of folders/],
    ['{\n"kind": "vbd",\n"kind": "xyz" }', /:3: the key "kind" is given twice; expected it once/],
    ['{ "kind": "vbd" }', /:1: no guest could be given a disk; expected an image in "images" or a folder in/],
  ])('%j', async (text, message) => {
    const error = await read(text).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('\n')
    expect((error as Error).message.startsWith(file)).toBe(true)
  })

  test('also of a file that is not there', async () => {
    await expect(readBlkbackConfig(folder.file('none.json'))).rejects.toThrow(/none.json: cannot be read: ENOENT/)
  })
})
