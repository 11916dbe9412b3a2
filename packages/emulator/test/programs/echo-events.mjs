/** Offers a port, tells which through the page it shares, and answers every event on it. */
export const program = async ({ platform, argument, signal }) => {
  const port = platform.events.bindUnboundPort(argument.peer)
  platform.events.listen(port, () => {
    platform.events.eoi(port)
    platform.events.notify(port)
  })
  argument.answer.postMessage({ port })
  if (argument.crash) throw new Error('as it was told')
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  platform.events.unbind(port)
  argument.answer.close()
}
