/**
 * A Java exception or error that the virtual machine itself raises, before it is an object of the guest: what the guest
 * sees is the throwable made from it.
 */
export class JavaProblem extends Error {
  /** Internal name of the throwable’s class, e.g. `java/lang/LinkageError`. */
  readonly className: string
  /** The detail message, or null as `new Throwable()` has it. */
  readonly detail: string | null
  /** The throwable that is its cause, if any. */
  readonly javaCause: object | null

  constructor(className: string, detail: string | null = null, javaCause: object | null = null) {
    super(`${className}: ${detail ?? ''}`)
    this.className = className
    this.detail = detail
    this.javaCause = javaCause
  }
}

/** A ClassFormatError (JVMS §4.8): `where` is the class as far as it is known. */
export function classFormatError(what: string, where: string): JavaProblem {
  return new JavaProblem('java/lang/ClassFormatError', `${what} in class file ${where}`)
}
