/** Loaded before a machine's program, as doppel's command begins: see packages/doppel/bin/doppel.js. */
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
