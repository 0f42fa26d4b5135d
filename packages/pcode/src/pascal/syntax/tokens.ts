/** Kinds of tokens (ISO 7185 §6.1). Numbers, so that tokens are kept in typed arrays. */
export const Token = {
  end: 0,
  identifier: 1,
  integer: 2,
  real: 3,
  string: 4,
  plus: 5,
  minus: 6,
  star: 7,
  slash: 8,
  equal: 9,
  less: 10,
  greater: 11,
  leftBracket: 12,
  rightBracket: 13,
  period: 14,
  comma: 15,
  colon: 16,
  semicolon: 17,
  arrow: 18,
  leftParen: 19,
  rightParen: 20,
  notEqual: 21,
  lessEqual: 22,
  greaterEqual: 23,
  becomes: 24,
  range: 25,
  /** A character that begins no token; reported by the lexer already. */
  bad: 26,
  and: 32,
  array: 33,
  begin: 34,
  case: 35,
  const: 36,
  div: 37,
  do: 38,
  downto: 39,
  else: 40,
  endWord: 41,
  file: 42,
  for: 43,
  function: 44,
  goto: 45,
  if: 46,
  in: 47,
  label: 48,
  mod: 49,
  nil: 50,
  not: 51,
  of: 52,
  or: 53,
  packed: 54,
  procedure: 55,
  program: 56,
  record: 57,
  repeat: 58,
  set: 59,
  thenWord: 60,
  to: 61,
  type: 62,
  until: 63,
  var: 64,
  while: 65,
  with: 66,
} as const

/** One kind of token. */
export type TokenKind = (typeof Token)[keyof typeof Token]

/** First kind that is a word. */
export const FIRST_WORD: number = Token.and

/** How many kinds there may be: the length of a set of kinds. */
export const KINDS = 80

const SYMBOLS: Readonly<Record<number, string>> = {
  [Token.end]: 'the end of the program text',
  [Token.identifier]: 'an identifier',
  [Token.integer]: 'an integer',
  [Token.real]: 'a real number',
  [Token.string]: 'a character string',
  [Token.plus]: "'+'",
  [Token.minus]: "'-'",
  [Token.star]: "'*'",
  [Token.slash]: "'/'",
  [Token.equal]: "'='",
  [Token.less]: "'<'",
  [Token.greater]: "'>'",
  [Token.leftBracket]: "'['",
  [Token.rightBracket]: "']'",
  [Token.period]: "'.'",
  [Token.comma]: "','",
  [Token.colon]: "':'",
  [Token.semicolon]: "';'",
  [Token.arrow]: "'^'",
  [Token.leftParen]: "'('",
  [Token.rightParen]: "')'",
  [Token.notEqual]: "'<>'",
  [Token.lessEqual]: "'<='",
  [Token.greaterEqual]: "'>='",
  [Token.becomes]: "':='",
  [Token.range]: "'..'",
}

/** Word-symbols by spelling (ISO 7185 §6.1.2). */
export const WORDS: ReadonlyMap<string, TokenKind> = new Map(
  Object.entries(Token)
    .filter(([, kind]) => kind >= FIRST_WORD)
    .map(([name, kind]) => [name.replace('Word', ''), kind]),
)

const WORD_OF: readonly (string | undefined)[] = (() => {
  const spelled: (string | undefined)[] = Array.from({ length: KINDS }, () => undefined)
  for (const [word, kind] of WORDS) spelled[kind] = word
  return spelled
})()

/** What a kind is called in a message. */
export function tokenName(kind: number): string {
  const word = WORD_OF[kind]
  return word === undefined ? (SYMBOLS[kind] ?? 'a symbol') : `'${word}'`
}

/** A set of kinds, for `set[kind] === 1`. */
export function kindSet(...kinds: readonly (TokenKind | Uint8Array)[]): Uint8Array {
  const set = new Uint8Array(KINDS)
  for (const kind of kinds) {
    if (typeof kind === 'number') set[kind] = 1
    else for (let k = 0; k < KINDS; k++) set[k] = (set[k] as number) | (kind[k] as number)
  }
  return set
}
