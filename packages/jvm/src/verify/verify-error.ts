import { JavaProblem } from '../problem.ts'

/** A VerifyError (JVMS §4.10): what is wrong, and where in which method. */
export function verifyError(what: string, where: string, at?: number): JavaProblem {
  const place = at === undefined ? where : `${where} @${at}`
  return new JavaProblem(
    'java/lang/VerifyError',
    `${what}\nException Details:\n  Location:\n    ${place}\n  Reason:\n    ${what}\n`,
  )
}
