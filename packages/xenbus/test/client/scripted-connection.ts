import { channelPair, type Message, XenStoreClient } from '@split-driver/xenbus'
import { ScriptedServer } from './scripted-server.js'

/** A client and the far end of its channel; `control` gives up what was asked with `signal`. */
export const connect = (capacityBytes?: number) => {
  const [near, far] = channelPair(capacityBytes)
  const client = new XenStoreClient(near)
  const server = new ScriptedServer(far)
  const control = new AbortController()
  return { client, server, control, signal: control.signal, far }
}

/** Why a test gives up. */
export const mine = new Error('mine')

export const typesOf = (requests: readonly Message[]): number[] => requests.map(({ type }) => type)
