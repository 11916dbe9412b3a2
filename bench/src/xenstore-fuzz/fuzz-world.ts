import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { StoreMachine, settle, XenStoreWireClient } from '@split-driver/conformance'
import { type ByteChannel, channelPair, packStrings, RingChannel, XenStoreOp } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { FuzzConnection } from './fuzz-connection.js'

/** Who asks: the control domain and two domains through channels, two domains through ring pages. */
const CLIENTS = [
  { domid: 0, ring: false },
  { domid: 1, ring: false },
  { domid: 2, ring: false },
  { domid: 3, ring: true },
  { domid: 4, ring: true },
] as const

/** What every domain begins with. */
const QUOTAS = { nodes: 200, watches: 20, transactions: 5, memory: 512 * 1024, 'node-size': 2048 } as const

const domidOf = (number: number): Domid => number as Domid

/** One server that lives through everything, and five clients that send it anything. */
export class FuzzWorld implements Disposable {
  readonly #machine = new StoreMachine()
  readonly #server = new XenstoreServer(this.#machine, { quotas: QUOTAS })
  readonly #keeper: XenStoreWireClient
  readonly #clients: (FuzzConnection | undefined)[] = []
  readonly #givenUp = new Set<number>()
  #ports = ''
  #reqId = 0

  constructor() {
    this.#keeper = new XenStoreWireClient(this.#connect(0))
    this.#server.on('broken', (domid) => this.#givenUp.add(domid))
  }

  get clients(): number {
    return CLIENTS.length
  }

  nextReqId(): number {
    this.#reqId = (this.#reqId % 0xffff_ffff) + 1
    return this.#reqId
  }

  /** Sends bytes, in two pieces if they are to be split. @returns what is wrong with what came of it */
  async send(index: number, bytes: Uint8Array, split = 0): Promise<string | undefined> {
    this.#clients[index] ??= this.#newClient(index)
    const client = this.#clients[index]
    if (split > 0) {
      client.send(bytes.subarray(0, split))
      await settle(6)
    }
    client.send(bytes.subarray(split))
    const fault = await client.settled(() => this.#isGivenUp(index))
    if (fault === undefined && client.channel.closed && !client.mustClose) return 'the connection was closed'
    if (client.mustClose) this.#forget(index)
    if (CLIENTS[index]!.domid === 0) this.#forgetDisconnected()
    return fault
  }

  /** Sends what may be the beginning of a message, and goes away. */
  async sendAndLeave(index: number, bytes: Uint8Array): Promise<void> {
    this.#forget(index)
    this.#clients[index] = this.#newClient(index)
    this.#clients[index].send(bytes)
    await settle(6)
    this.#forget(index)
  }

  /** Makes everything as it was at the beginning. @returns what is wrong with the server */
  async renew(): Promise<string | undefined> {
    for (const index of CLIENTS.keys()) this.#forget(index)
    await settle()
    await this.#clear()
    await this.#furnish()
    this.#keeper.messages.length = 0
    const said = await this.#keeper.ask(XenStoreOp.Control, packStrings('check'))
    return said === 'OK' ? undefined : `CONTROL check says: ${said}`
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]()
  }

  async #clear(): Promise<void> {
    for (const { domid, ring } of CLIENTS) {
      if (ring && this.#server.isIntroduced(domidOf(domid))) this.#server.release(domidOf(domid))
      for (const [name, value] of Object.entries(QUOTAS))
        await this.#keeper.ask(XenStoreOp.SetQuota, packStrings(`${domid}`, name, `${value}`))
    }
    for (const [name, value] of Object.entries(QUOTAS))
      await this.#keeper.ask(XenStoreOp.SetQuota, packStrings(name, `${value}`))
    const names = (await this.#keeper.directory('/')).split('|')
    for (const name of names) if (name !== '') await this.#keeper.rm(`/${name}`)
    for (const special of ['@introduceDomain', '@releaseDomain']) await this.#keeper.setPerms(special, ['r0'])
  }

  async #furnish(): Promise<void> {
    const keeper = this.#keeper
    await keeper.setPerms('/', ['r0'])
    await keeper.mkdir('/a')
    await keeper.setPerms('/a', ['b0'])
    for (const { domid, ring } of CLIENTS) {
      await keeper.mkdir(`/local/domain/${domid}`)
      await keeper.setPerms(`/local/domain/${domid}`, [`n${domid}`])
      if (ring) this.#introduce(domidOf(domid))
    }
    this.#ports = this.#machine.ledger().join()
  }

  #introduce(domid: Domid): void {
    if (!this.#server.isIntroduced(domid)) this.#machine.addDomain(domid)
    this.#givenUp.delete(domid)
    this.#server.introduce(domid, 0 as FrameNumber, 1 as Port)
    this.#ports = this.#machine.ledger().join()
  }

  #newClient(index: number): FuzzConnection {
    const { domid, ring } = CLIENTS[index]!
    if (!ring) return new FuzzConnection(this.#connect(domid))
    const owner = domidOf(domid)
    this.#introduce(owner)
    const channel = RingChannel.front(this.#machine.pages.get(owner)!, () => this.#machine.raise(owner))
    this.#machine.onNotify.set(owner, () => channel.wake())
    return new FuzzConnection(channel)
  }

  #connect(domid: number): ByteChannel {
    const [ours, theirs] = channelPair()
    this.#server.accept(theirs, { domid: domidOf(domid), privileged: domid === 0 })
    return ours
  }

  #isGivenUp(index: number): boolean {
    const { domid, ring } = CLIENTS[index]!
    return ring ? this.#givenUp.has(domid) : this.#clients[index]!.channel.closed
  }

  /** The control domain may have released a domain, or introduced it anew: its ring is another one then. */
  #forgetDisconnected(): void {
    const ports = this.#machine.ledger().join()
    if (ports === this.#ports) return
    this.#ports = ports
    for (const [index, { ring }] of CLIENTS.entries()) if (ring) this.#forget(index)
  }

  #forget(index: number): void {
    this.#clients[index]?.channel.close()
    this.#clients[index] = undefined
  }
}
