/** What ends a machine from within: System.exit and the like. */
export class MachineExit extends Error {
  readonly status: number
  constructor(status: number) {
    super(`exit ${status}`)
    this.status = status
  }
}
