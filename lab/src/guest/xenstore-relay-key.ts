/** Where a guest's relay says how it is reached, below the guest's own directory: grant reference, a space, port. */
export const RELAY_KEY = 'data/xenstore-relay'
