/** What the compiler knows a word as. */
export interface ReservedWord {
  readonly symbol: number
  readonly operator: number
}

/** No operator (NOOP). */
const NONE = 15

/** What a word is that is not reserved: symbol IDENT. */
export const IDENTIFIER: ReservedWord = { symbol: 0, operator: NONE }

/** Symbols and operators by the ordinal numbers that II.0's compiler declares them with; eight letters count. */
const WORDS = `
  DO 6|TO 7|DOWNTO 8|END 9|UNTIL 10|OF 11|THEN 12|ELSE 13|BEGIN 19|IF 20|CASE 21|REPEAT 22|WHILE 23|FOR 24|WITH 25
  GOTO 26|LABEL 27|CONST 28|TYPE 29|VAR 30|PROCEDUR 31|FUNCTION 32|PROGRAM 33|SEGMENT 33|FORWARD 34|NOT 38
  AND 39 2|DIV 39 3|MOD 39 4|OR 40 7|IN 41 14
  SET 42|PACKED 43|ARRAY 44|RECORD 45|FILE 46|USES 49|UNIT 50|INTERFAC 51|IMPLEMEN 52|EXTERNAL 53|SEPARATE 54|OTHERWIS 55`

/** Reserved words by their first eight letters. */
export const RESERVED_WORDS: ReadonlyMap<string, ReservedWord> = new Map(
  WORDS.split(/[|\n]/)
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
    .map(entry => {
      const [word = '', symbol, operator] = entry.split(' ')
      return [word, { symbol: Number(symbol), operator: operator === undefined ? NONE : Number(operator) }]
    }),
)
