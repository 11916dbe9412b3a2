/** Lets everything that can go on without the outside world go on: many microtasks, in turns of the event loop. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
