import { Simulation } from '@split-driver/emulator'

const seen = []
process.on('uncaughtException', (error) => seen.push(error.message))
const { clock } = new Simulation()
clock.setTimer(1, () => {
  void Promise.resolve().then(() => Promise.resolve().then(() => seen.push('what it set off')))
  throw new Error('uncaught')
})
clock.setTimer(2, () => {
  seen.push('the next task')
  process.stdout.write(seen.join(', '))
})
