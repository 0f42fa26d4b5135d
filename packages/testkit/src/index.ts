export { installed } from './installed.ts'
export { RandomSource, randomFields } from './random.ts'
