export { startWorkerThread } from './node/worker-threads.js'
