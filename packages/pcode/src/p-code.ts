export { loadP4, loadP5 } from './text/p5-loader.ts'
export { readProgramText } from './text/program-reader.ts'
export { listProgram, type RoutineListing } from './translate/listing.ts'
export { PROGRAM_TEXT_MARK, writeProgramText } from './text/program-writer.ts'
