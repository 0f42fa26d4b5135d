import { Row } from '../rows/p5.ts'
import { Csp } from '../rows/standard.ts'
import { CODE_WORDS, Field, type Program } from './program.ts'

/** Whether a program opens files by titles that only its run knows (UCSD Pascal). */
export function opensTitles({ routines }: Program): boolean {
  return routines.some(({ code }) => {
    for (let word = 0; word < code.length; word += CODE_WORDS) {
      const row = code[word + Field.row]
      const procedure = code[word + Field.q]
      if ((row === Row.csp || row === Row.csf) && (procedure === Csp.tre || procedure === Csp.trw)) return true
    }
    return false
  })
}
