import { Machine } from 'doppel'
import { expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

/** Processes, pipes, and shells that wait for one another, on all harts at once. */
const STRESS = `
  for job in 1 2 3 4; do
    (i=0; while [ $i -lt 12 ]; do echo $i | cat | md5sum >/dev/null; i=$((i+1)); done; echo job $job) &
  done
  wait
  nproc`
const jobsOf = (text: string): string[] => text.trim().split('\n').toSorted()
/** A kernel's complaints: a warning or worse, or one of its cries. */
const COMPLAINT = /^<[0-4]>|\bBUG\b|\bWARNING\b|\bOops\b|Call Trace|stall/m

test.each([2, 4])(
  'Linux boots with %i harts on threads, runs processes on them, and does not complain',
  async harts => {
    // Figures are asked for, so that it boots rather than goes on from an earlier start.
    const flags = ['--cpus', String(harts), '--smp', 'parallel', '--stats', '--timeout', '300s']
    const { stdout, stderr, status } = await doppel(['run', ...flags, 'linux', '--', 'sh', '-c', `${STRESS}\ndmesg -r`])
    const [lines, log] = stdout
      .toString()
      .split(/^(?=<)/m, 1)
      .concat(stdout.toString().replace(/^[^<]*/, ''))
    expect(status).toBe(0)
    expect(jobsOf(lines ?? '')).toEqual([String(harts), 'job 1', 'job 2', 'job 3', 'job 4'].toSorted())
    expect(COMPLAINT.exec(log ?? '')).toBeNull()
    expect(stderr.toString()).toMatch(/^translated: +[1-9]/m)
  },
)

test('a machine on threads is paused, forked and capped as any other, while its harts compute', async () => {
  await using vm = await Machine.create('linux', { cpus: 2, smp: 'parallel' })
  const spinning = await vm.commands.run('(while :; do :; done) & while :; do :; done', { background: true })
  await vm.pause()
  const { instructions } = vm.getMetrics()
  const [clone] = (await vm.fork()) as [Machine]
  try {
    expect(vm.getMetrics().instructions).toBe(instructions)
    expect((await clone.commands.run('nproc')).stdout).toBe('2\n')
    await vm.resume()
    vm.setLimits({ cap: 0.5 })
    expect(jobsOf((await vm.commands.run(STRESS)).stdout)).toContain('job 4')
  } finally {
    await clone.kill()
  }
  spinning.kill()
})

test('what only harts in turn can do is refused', async () => {
  const { stderr, status } = await doppel(['run', '--smp', 'parallel', '--profile', 'linux', '--', 'true'])
  expect([stderr.toString(), status]).toEqual([expect.stringContaining('[cli.arguments]'), expect.any(Number)])
  expect(status).not.toBe(0)
})
