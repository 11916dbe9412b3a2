/** Never gives its thread back: makes hypercalls in an endless loop, so that it is likely killed inside one. */
export const program = async ({ platform, argument }) => {
  const port = platform.events.bindIpi()
  argument.answer.postMessage({ port })
  for (;;) {
    platform.events.notify(port)
    const shared = platform.sharer.share(0, 1, 'writable')
    platform.sharer.unshare(shared)
    platform.events.unbind(platform.events.bindUnboundPort(0))
  }
}
