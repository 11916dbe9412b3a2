/**
 * What DIRECTORY_PART promises of the number that each part begins with: it changes when the node does, and does not when the
 * node does not (rule 50). The number itself is the server's own.
 */
export class ModelListings {
  readonly #generationOf = new Map<string, string>()
  readonly #versionOf = new Map<string, string>()

  /** @param due begins with what the model calls the node's version, in place of the number */
  agree(path: string, reply: string, due: string): boolean {
    if (reply.startsWith('!') || due.startsWith('!')) return reply === due
    const [generation, names] = split(reply)
    const [version, dueNames] = split(due)
    return names === dueNames && this.#hold(path, generation, version)
  }

  #hold(path: string, generation: string, version: string): boolean {
    const known = remembered(this.#generationOf, `${path} ${version}`, generation)
    return known === generation && remembered(this.#versionOf, `${path} ${generation}`, version) === version
  }
}

const split = (text: string): [string, string] => {
  const end = text.indexOf('|')
  return [text.slice(0, end), text.slice(end + 1)]
}

const remembered = (map: Map<string, string>, key: string, value: string): string => {
  if (!map.has(key)) map.set(key, value)
  return map.get(key)!
}
