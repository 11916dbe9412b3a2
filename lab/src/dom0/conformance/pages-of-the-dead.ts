import { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { command } from '../command.js'
import type { RelayedGuest } from './relayed-guests.js'

/** A word of the relay's page that no ring reaches. @see xen/include/public/io/xs_wire.h xenstore_domain_interface */
const SPARE_WORD = 1000

/** What the case of the grant suite shows, with a guest that really dies. The relay's page is what it has shared. */
export const readPagesOfTheDead = async (platform: Platform, { linux, store }: RelayedGuest): Promise<void> => {
  const { domid } = linux
  const mapping = platform.mapper.map(domid, [store.ref], 'writable')
  mapping.memory.store(SPARE_WORD, 77)
  store[Symbol.dispose]()
  await command('xl', ['destroy', String(domid)])
  const word = mapping.memory.load(SPARE_WORD)
  platform.mapper.unmap(mapping)
  if (word !== 77) throw new Error(`the page of the dead guest holds ${word}, not 77`)
  try {
    platform.mapper.unmap(platform.mapper.map(domid, [store.ref], 'read-only'))
  } catch (error) {
    if (!XenError.is(error, 'GNTST_bad_domain', 'GNTST_bad_gntref', 'GNTST_general_error')) throw error
    // As a mapping goes, so goes the last of the domain.
    return linux.destroy()
  }
  throw new Error('a page of a guest that is dead could be mapped')
}
