/** What one round of a litmus test came to: each hart's a2 and a3, and x and y at the end. */
export interface Outcome {
  readonly registers: readonly (readonly [a2: bigint, a3: bigint])[]
  readonly x: bigint
  readonly y: bigint
}

/** A litmus test: what each hart does, a0 pointing to x and a1 to y, which begin as 0; t0 is 1 and t1 is 2. */
export interface LitmusTest {
  readonly name: string
  readonly harts: readonly string[]
  /** What RVWMO never allows (Unpriv. §"RVWMO", and appendix "RVWMO Explanatory Material"). */
  readonly forbidden: (outcome: Outcome) => boolean
}

const store = (place: 'x' | 'y', value: 1 | 2 = 1): string => `sw t${value - 1}, 0(${place === 'x' ? 'a0' : 'a1'})`
const load = (register: 'a2' | 'a3', place: 'x' | 'y'): string => `lw ${register}, 0(${place === 'x' ? 'a0' : 'a1'})`
const lines = (...text: readonly string[]): string => text.join('\n')
const is = (outcome: Outcome, ...expected: readonly (readonly [bigint | undefined, bigint | undefined])[]): boolean =>
  expected.every((pair, hart) =>
    pair.every((value, i) => value === undefined || value === outcome.registers[hart]?.[i as 0]),
  )
const ANY = [undefined, undefined] as const

/** The second load's address hangs on what the first one gave. */
const addressDependency = (first: string): string => lines(first, 'xor t2, a2, a2', 'add t3, a0, t2', 'lw a3, 0(t3)')

/** Shapes named as in the literature (Alglave, Maranget, Tautschnig: "Herding Cats"). */
export const LITMUS_TESTS: readonly LitmusTest[] = [
  {
    name: 'MP with fences',
    harts: [lines(store('x'), 'fence w, w', store('y')), lines(load('a2', 'y'), 'fence r, r', load('a3', 'x'))],
    forbidden: o => is(o, ANY, [1n, 0n]),
  },
  {
    name: 'MP with release and acquire',
    harts: [lines(store('x'), 'amoswap.w.rl zero, t0, (a1)'), lines('lr.w.aq a2, (a1)', load('a3', 'x'))],
    forbidden: o => is(o, ANY, [1n, 0n]),
  },
  {
    name: 'MP with a fence and an address dependency',
    harts: [lines(store('x'), 'fence w, w', store('y')), addressDependency(load('a2', 'y'))],
    forbidden: o => is(o, ANY, [1n, 0n]),
  },
  {
    name: 'SB with fences',
    harts: [lines(store('x'), 'fence w, r', load('a2', 'y')), lines(store('y'), 'fence rw, rw', load('a2', 'x'))],
    forbidden: o => is(o, [0n, undefined], [0n, undefined]),
  },
  {
    name: 'SB with ordered atomics',
    harts: [
      lines('amoswap.w.aqrl zero, t0, (a0)', 'amoor.w.aqrl a2, zero, (a1)'),
      lines('amoswap.w.aqrl zero, t0, (a1)', 'amoor.w.aqrl a2, zero, (a0)'),
    ],
    forbidden: o => is(o, [0n, undefined], [0n, undefined]),
  },
  {
    name: 'LB with fences',
    harts: [lines(load('a2', 'x'), 'fence r, w', store('y')), lines(load('a2', 'y'), 'fence rw, w', store('x'))],
    forbidden: o => is(o, [1n, undefined], [1n, undefined]),
  },
  {
    name: 'LB with data dependencies',
    harts: [
      lines(load('a2', 'x'), 'sw a2, 0(a1)'),
      lines(load('a2', 'y'), 'xor t2, a2, a2', 'addi t2, t2, 1', 'sw t2, 0(a0)'),
    ],
    forbidden: o => is(o, [1n, undefined], [1n, undefined]) && o.x === 1n && o.y === 1n,
  },
  {
    name: 'S with fences',
    harts: [lines(store('x', 2), 'fence w, w', store('y')), lines(load('a2', 'y'), 'fence r, w', store('x'))],
    forbidden: o => is(o, ANY, [1n, undefined]) && o.x === 2n,
  },
  {
    name: 'R with fences',
    harts: [lines(store('x'), 'fence w, w', store('y')), lines(store('y', 2), 'fence w, r', load('a2', 'x'))],
    forbidden: o => is(o, ANY, [0n, undefined]) && o.y === 2n,
  },
  {
    name: '2+2W with fences',
    harts: [lines(store('x'), 'fence w, w', store('y', 2)), lines(store('y'), 'fence w, w', store('x', 2))],
    forbidden: o => o.x === 1n && o.y === 1n,
  },
  {
    name: 'CoRR',
    harts: [store('x'), lines(load('a2', 'x'), load('a3', 'x'))],
    forbidden: o => is(o, ANY, [1n, 0n]),
  },
  {
    name: 'CoWW',
    harts: [lines(store('x'), store('x', 2)), lines(load('a2', 'x'), load('a3', 'x'))],
    forbidden: o => o.x !== 2n || is(o, ANY, [2n, 1n]) || is(o, ANY, [2n, 0n]) || is(o, ANY, [1n, 0n]),
  },
  {
    name: 'CoRW',
    harts: [lines(load('a2', 'x'), store('x')), store('x', 2)],
    forbidden: o => is(o, [1n, undefined]) || (is(o, [2n, undefined]) && o.x === 2n),
  },
  {
    name: 'CoWR',
    harts: [lines(store('x'), load('a2', 'x')), store('x', 2)],
    forbidden: o => is(o, [0n, undefined]) || (is(o, [2n, undefined]) && o.x === 1n),
  },
  {
    name: 'IRIW with fences',
    harts: [
      store('x'),
      store('y'),
      lines(load('a2', 'x'), 'fence r, r', load('a3', 'y')),
      lines(load('a2', 'y'), 'fence r, r', load('a3', 'x')),
    ],
    forbidden: o => is(o, ANY, ANY, [1n, 0n], [1n, 0n]),
  },
  {
    name: 'WRC with fences',
    harts: [
      store('x'),
      lines(load('a2', 'x'), 'fence r, w', store('y')),
      lines(load('a2', 'y'), 'fence r, r', load('a3', 'x')),
    ],
    forbidden: o => is(o, ANY, [1n, undefined], [1n, 0n]),
  },
  {
    name: 'atomic additions are all counted',
    harts: ['amoadd.w zero, t0, (a0)', 'amoadd.d zero, t0, (a0)', 'amoadd.w.aqrl zero, t0, (a0)'],
    forbidden: o => o.x !== 3n,
  },
  {
    name: 'reserved additions are all counted',
    harts: ['w', 'd', 'w.aqrl'].map(
      (width, i) => `again${i}: lr.${width} a2, (a0)\n addi a2, a2, 1\n sc.${width} a3, a2, (a0)\n bnez a3, again${i}`,
    ),
    forbidden: o => o.x !== 3n,
  },
  {
    name: 'of two swaps exactly one comes first',
    harts: ['amoswap.w a2, t0, (a0)', 'amoswap.w a2, t1, (a0)'],
    forbidden: o => o.registers.filter(([a2]) => a2 === 0n).length !== 1,
  },
  {
    name: 'maxima and minima are not lost',
    harts: ['amomax.w zero, t0, (a0)\n amominu.d zero, t0, (a1)', 'amomaxu.d zero, t1, (a0)\n amomin.w zero, t1, (a1)'],
    forbidden: o => o.x !== 2n || o.y !== 0n,
  },
]
