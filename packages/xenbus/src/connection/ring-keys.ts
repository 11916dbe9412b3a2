import { grantRefKey, portKey } from '../keys/key.js'
import { keySet } from '../keys/key-set.js'

/** What a frontend publishes of a ring of one page: the same two keys with every device of Xen's. */
export const ringKeys = keySet({ 'ring-ref': grantRefKey(), 'event-channel': portKey() })
