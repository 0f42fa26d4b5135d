/** The doppel side of a command's run in an image: `node --conditions=source run-command.ts IMAGE CODE`. Prints `{ seconds, output }` as JSON. */
import { hostClock } from '@doppel/base'
import { Machine } from 'doppel'

const [image = '', code = ''] = process.argv.slice(2)
const clock = hostClock()
await using vm = await Machine.create(image, { network: 'none' })
// The guest's half is there, and its shell has run once.
await vm.commands.run('true')
const beganNs = clock.monotonicNs()
const { stdout } = await vm.commands.run(code)
process.stdout.write(JSON.stringify({ seconds: (clock.monotonicNs() - beganNs) / 1e9, output: stdout }))
