import './natives/index.ts'

export { parseCode } from './class-file/code.ts'
export { type ClassFile, parseClassFile } from './class-file/parse.ts'
export { RuntimeImage } from './jimage.ts'
export { JavaProblem } from './problem.ts'
