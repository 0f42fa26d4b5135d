import { JavaProblem } from '../problem.ts'
import { natives } from './table.ts'

/** The number that the machine has as a process of its own. */
const PID = 1n

natives('java/lang/ProcessImpl', {
  init: () => undefined,
  forkAndExec: () => {
    throw new JavaProblem('java/io/IOException', 'a Java machine has no other programs to start')
  },
})
natives('java/lang/ProcessHandleImpl', {
  getCurrentPid0: () => PID,
  parent0: () => -1n,
  isAlive0: () => -1n,
  destroy0: () => 0,
  getProcessPids0: () => 0,
  waitForProcessExit0: () => -1,
})
