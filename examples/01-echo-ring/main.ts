/**
 * A ring, its two ends and nothing else: no machine, no event channels. A frontend sends words to a backend, which sends
 * them back in capitals; both share one page of memory, as two domains would. Shows what a driver does by hand:
 * put, push, "must I notify?", drain, final check. Run it with `npm run example -- 01-echo-ring`.
 */
import assert from 'node:assert/strict'
import { FlatMemory } from '@split-driver/abi'
import { BackRing, drainRequests, drainResponses, FrontRing } from '@split-driver/ring'

// Request and response look alike: an id, then up to 12 bytes of text, as four 32-bit words.
const SLOT_BYTES = 16
const SLOT_WORDS = SLOT_BYTES / 4

// The page that both share. Only the frontend initialises it; the backend joins.
const page = new SharedArrayBuffer(4096)
const front = FrontRing.initialise(new FlatMemory(page), SLOT_BYTES)
const back = BackRing.attach(new FlatMemory(page), SLOT_BYTES)
console.log(`one page holds ${front.ringSize} slots of ${SLOT_BYTES} bytes`)

const encode = (id: number, text: string): Int32Array => {
  const words = new Int32Array(SLOT_WORDS)
  words[0] = id
  new TextEncoder().encodeInto(text, new Uint8Array(words.buffer, 4))
  return words
}
const decode = (words: Int32Array): string =>
  new TextDecoder().decode(new Uint8Array(words.buffer, 4)).replace(/\0+$/, '')

let notifications = 0

// The backend's half. It copies each request once, then trusts only its copy.
const serve = (): void => {
  const request = new Int32Array(SLOT_WORDS)
  const outcome = drainRequests(back, back.ringSize, () => {
    back.copyRequest(request, 0, 0, SLOT_WORDS)
    back.consumeRequest()
    back.putResponse(encode(request[0]!, decode(request).toUpperCase()), 0, SLOT_WORDS)
  })
  assert.equal(outcome, 'idle')
  if (back.pushResponses()) notifications++
}

// The frontend's half. Responses may come in any order: the id tells whose each is.
const outstanding = new Map<number, string>()
const echoes: string[] = []
const settle = (): void => {
  const response = new Int32Array(SLOT_WORDS)
  const outcome = drainResponses(front, front.ringSize, () => {
    front.copyResponse(response, 0, SLOT_WORDS)
    front.consumeResponse()
    const sent = outstanding.get(response[0]!)
    assert.ok(sent !== undefined, 'a response to nothing')
    outstanding.delete(response[0]!)
    echoes.push(decode(response))
    console.log(`  ${response[0]}: ${sent} -> ${decode(response)}`)
  })
  assert.equal(outcome, 'idle')
}

const words = ['split', 'driver', 'event', 'channel', 'grant', 'table', 'xenstore', 'ring']
let id = 0
for (const batch of [words.slice(0, 3), words.slice(3)]) {
  console.log(`${batch.length} requests, one push`)
  for (const word of batch) {
    outstanding.set(id, word)
    front.putRequest(encode(id++, word), 0, SLOT_WORDS)
  }
  if (front.pushRequests()) notifications++
  serve()
  settle()
}

assert.equal(outstanding.size, 0)
assert.deepEqual(
  echoes,
  words.map((word) => word.toUpperCase()),
)
assert.equal(notifications, 4)
console.log(`${echoes.length} words echoed; ${notifications} notifications instead of ${2 * echoes.length}`)
