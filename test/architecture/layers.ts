/** The arrows of ARCHITECTURE.md: a package imports only from layers above its own here, and never from its own layer. */
export const layers: readonly (readonly string[])[] = [
  ['abi'],
  ['ring'],
  ['evtchn'],
  ['grant'],
  ['xenbus'],
  ['platform'],
  ['blkif', 'console', 'control-interface', 'xenstored', 'trace', 'emulator', 'privcmd'],
  ['conformance'],
  ['cli', 'debian'],
  ['examples', 'lab', 'bench'],
]

export const layerOf = (name: string): number => layers.findIndex((layer) => layer.includes(name))
