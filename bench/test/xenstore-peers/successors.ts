import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, toText, unpackTexts, XenStoreOp } from '@split-driver/xenbus'
import { compileShim } from '../../src/xenstore-peers/compile-shim.js'
import { peerPackages } from '../../src/xenstore-peers/index.js'
import { XEN_RELEASE } from '../../src/xenstore-peers/peer-packages.js'

/** Ours on what an original has left under the shim: its sockets, and its domains' rings. */
export const OURS = fileURLToPath(new URL('../../dist/xenstore-peers/own-successor.js', import.meta.url))

/** Programs to be started by a live update, each in a script, for it is named by a file alone. */
export class Successors implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'programs-'))

  /** The original in C. @param before what the shell does first */
  async original(...before: readonly string[]): Promise<string> {
    const { root } = await peerPackages()
    const [command, ...rest] = root.command(`/usr/lib/xen-${XEN_RELEASE}/bin/xenstored`, [])
    return this.#script(
      'original',
      ...before,
      `LD_PRELOAD=${compileShim(root)} exec ${[command, ...rest].join(' ')} "$@"`,
    )
  }

  /** @param program of JavaScript */
  ours(program: string): string {
    return this.#script('ours', 'unset LD_PRELOAD', `exec ${process.execPath} ${program} "$@"`)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }

  #script(name: string, ...lines: readonly string[]): string {
    const file = join(this.#folder, name)
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'))
    chmodSync(file, 0o700)
    return file
  }
}

/** The reply to a request that was posted, however long it takes. */
export const replyTo = async (client: XenStoreWireClient, reqId: number): Promise<string> => {
  for (;;) {
    const reply = client.messages.find((message) => message.reqId === reqId && message.type !== XenStoreOp.WatchEvent)
    if (reply !== undefined) return unpackTexts(reply.body)?.join('|') ?? toText(reply.body)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export const ask = (client: XenStoreWireClient, type: number, body: Uint8Array): Promise<string> =>
  replyTo(client, client.post(type, body))

/** Has the daemon replaced. @returns what it said to each step */
export const update = async (client: XenStoreWireClient, file: string, commandLine: string): Promise<string[]> => {
  const answers: string[] = []
  for (const words of [['-f', file], ['-c', commandLine], ['-s']])
    answers.push(await ask(client, XenStoreOp.Control, packStrings('live-update', ...words)))
  return answers
}
