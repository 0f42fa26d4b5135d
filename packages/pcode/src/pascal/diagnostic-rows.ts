/** What a kind of diagnostic says. `{0}`, `{1}` … stand for what a case of it names. */
export interface DiagnosticRow {
  /** The clause of ISO 7185:1990 that is broken. */
  readonly clause: string
  readonly text: string
  readonly hint?: string
  readonly severity?: 'warning'
}

/** Diagnostics of lexical and syntactic rules. */
const SYNTAX_ROWS = {
  character: { clause: '6.1.1', text: '{0} has no meaning here' },
  'string-end': { clause: '6.1.7', text: "this character string has no closing ' on its line" },
  'string-empty': { clause: '6.1.7', text: 'a character string holds at least one character' },
  'comment-end': { clause: '6.1.8', text: 'this comment is never closed' },
  'include-missing': { clause: '6.1.8', text: 'there is no file {0} to take in' },
  'unit-missing': { clause: '6.10', text: 'there is no unit {0} in the program, and no file {1}' },
  'unit-alone': { clause: '6.10', text: 'a unit does nothing by itself: compile a program that uses it' },
  'unit-cycle': { clause: '6.10', text: 'unit {0} uses itself' },
  'unit-name': { clause: '6.10', text: 'the file {0} has unit {1}' },
  'include-depth': { clause: '6.1.8', text: 'more than {0} files take one another in' },
  separator: { clause: '6.1.8', text: 'a space is needed between {0} and what follows' },
  'string-quotes': { clause: '6.1.7', text: 'a character string stands between apostrophes', hint: 'write {0}' },
  'foreign-symbol': { clause: '6.1.2', text: '{0} is no symbol of Pascal', hint: 'write {1}' },
  'line-comment': { clause: '6.1.8', text: '// begins no comment', hint: 'write { } around it' },
  misspelled: { clause: '6.1.2', text: "expected {0}, found '{1}'", hint: 'did you mean {0}?' },
  'number-form': {
    clause: '6.1.5',
    text: '{0} is no number: digits must stand on both sides of the point',
    hint: 'write {1}',
  },
  'exponent-form': { clause: '6.1.5', text: 'digits must follow the e of a real number' },
  'integer-size': { clause: '6.4.2.2', text: '{0} is greater than maxint, {1}' },
  'real-size': { clause: '6.4.2.2', text: '{0} is too large for a real' },
  expected: { clause: '6.1', text: 'expected {0}, found {1}' },
  'missing-semicolon': { clause: '6.8.3.2', text: "a ';' is missing here", hint: "write ';' before {0}" },
  'semicolon-else': {
    clause: '6.8.3.4',
    text: "a ';' ends the if-statement, so else has no if",
    hint: "remove the ';'",
  },
  'equal-for-becomes': { clause: '6.8.2.2', text: "found '=' where an assignment needs ':='", hint: "write ':='" },
  'becomes-for-equal': { clause: '6.2.1', text: "found ':=' where a definition needs '='", hint: "write '='" },
  'relation-twice': {
    clause: '6.7.1',
    text: 'an expression has one relational operator',
    hint: 'put comparisons in parentheses; and, or bind stronger than they do',
  },
  'becomes-in-expression': { clause: '6.7.1', text: "found ':=' in an expression", hint: "'=' compares" },
  'declaration-order': {
    clause: '6.2.1',
    text: 'a {0} part cannot follow the {1} part: the order is label, const, type, var, procedures and functions',
  },
  'declaration-twice': { clause: '6.2.1', text: 'a block has one {0} part', hint: 'join it with the one above' },
  'word-as-name': { clause: '6.1.2', text: '{0} is a word-symbol and cannot be used as an identifier' },
  'statement-expected': { clause: '6.8.1', text: 'expected a statement, found {0}' },
  'text-after-end': { clause: '6.10', text: "nothing may follow the '.' that ends the program" },
  'type-expected': { clause: '6.4.1', text: 'expected a type, found {0}' },
  'not-structured': { clause: '6.4.3.1', text: 'packed stands before array, record, set or file only' },
  'nesting-depth': { clause: '6.8.3.1', text: 'this is nested more than {0} deep' },
  'conformant-level': {
    clause: '6.6.3.7',
    text: 'conformant array parameters belong to level 1 of the standard',
    hint: 'choose the dialect iso-1',
  },
  'conformant-packed': {
    clause: '6.6.3.7.1',
    text: 'a packed conformant array has one dimension, and its component type is a type-identifier',
  },
  'new-type-here': {
    clause: '6.6.3.1',
    text: 'a parameter’s type must be a type-identifier',
    hint: 'give the type a name',
  },
  'result-type': {
    clause: '6.6.2',
    text: 'a function’s result type must be a type-identifier',
    hint: 'give the type a name',
  },
  'label-form': { clause: '6.1.6', text: 'a label is an integer from 0 to 9999' },
  'too-many': { clause: '6.10', text: 'more than {0} errors; the rest is not shown' },
} as const

/** Diagnostics of scopes, definitions and types. */
const DECLARATION_ROWS = {
  undeclared: { clause: '6.2.2.1', text: '{0} is not declared' },
  redeclared: { clause: '6.2.2.7', text: '{0} is declared already in this block, at line {1}' },
  'used-before': {
    clause: '6.2.2.9',
    text: '{0} is declared here, but was used before in this block, at line {1}, with its meaning from outside',
  },
  'own-definition': { clause: '6.2.2.9', text: '{0} is used in its own definition' },
  'not-a-type': { clause: '6.4.1', text: '{0} is {1}, not a type' },
  'not-a-constant': { clause: '6.3', text: '{0} is {1}, not a constant' },
  'constant-expected': { clause: '6.3', text: 'expected a constant' },
  'sign-of': { clause: '6.3', text: 'only a number can have a sign, and this is {0}' },
  'pointer-target': { clause: '6.4.4', text: 'the type {0} of this pointer’s variables is not declared' },
  'subrange-order': { clause: '6.4.2.4', text: 'the subrange is empty: {0} is greater than {1}' },
  'subrange-types': {
    clause: '6.4.2.4',
    text: 'the bounds of a subrange are of one ordinal type; these are {0} and {1}',
  },
  'ordinal-type': { clause: '6.4.2.1', text: 'expected an ordinal type, found {0}' },
  'set-base': { clause: '6.4.3.4', text: 'a set of {0} is not possible here: its values must lie in {1}..{2}' },
  'file-of-file': { clause: '6.4.3.5', text: 'a file’s components cannot be or contain a file' },
  'variant-missing': { clause: '6.4.3.3', text: 'no variant for {0}: every value of the tag type needs one' },
  'variant-twice': { clause: '6.4.3.3', text: 'the case constant {0} is given twice' },
  'variant-range': { clause: '6.4.3.3', text: '{0} is no value of the tag type {1}' },
  'variant-type': { clause: '6.4.3.3', text: 'a case constant here is of type {0}, and this is {1}' },
  'type-size': { clause: '6.4.3.2', text: 'this type needs more than {0} bytes' },
  'forward-missing': { clause: '6.6.1', text: '{0} is declared forward, but has no block' },
  'forward-heading': {
    clause: '6.6.1',
    text: 'the parameters and result of {0} are given where it is declared forward, and only there',
  },
  'forward-kind': { clause: '6.6.1', text: '{0} was declared forward as a {1}' },
  directive: { clause: '6.1.4', text: 'the directive {0} is not known; forward is' },
  'result-missing': { clause: '6.6.2', text: 'the function {0} needs a result type' },
  'result-simple': { clause: '6.6.2', text: 'a function’s result is of a simple or pointer type, not {0}' },
  'result-unassigned': {
    clause: '6.6.2',
    text: 'the function {0} never assigns its result',
    hint: 'assign to {0} in its block',
  },
  'label-undeclared': { clause: '6.8.1', text: 'the label {0} is not declared in this block' },
  'label-twice': { clause: '6.8.1', text: 'the label {0} stands before two statements' },
  'label-unused': { clause: '6.2.1', text: 'the label {0} is declared, but stands before no statement of this block' },
  'program-parameter-twice': { clause: '6.10', text: '{0} is given twice as a program parameter' },
  'program-parameter': {
    clause: '6.10',
    text: 'the program parameter {0} is not declared as a variable of the program',
  },
  'standard-file': {
    clause: '6.10',
    text: '{0} is used, so it must be a program parameter',
    hint: 'write program {1}({0});',
  },
  'unused-parameter-list': { clause: '6.6.3.1', text: 'a parameter {0} has no use' },
} as const

/** Diagnostics of expressions, variables and parameters. */
const EXPRESSION_ROWS = {
  'not-a-value': { clause: '6.7.1', text: '{0} is {1} and has no value' },
  'not-a-variable': { clause: '6.5.1', text: 'a variable is needed here, and this is {0}' },
  'not-an-array': { clause: '6.5.3.2', text: 'only arrays are indexed, and this is {0}' },
  'not-a-record': { clause: '6.5.3.3', text: 'only records have fields, and this is {0}' },
  'no-field': { clause: '6.5.3.3', text: '{1} has no field {0}' },
  'not-a-pointer': { clause: '6.5.4', text: 'only pointers and files are followed by ^, and this is {0}' },
  'index-type': { clause: '6.5.3.2', text: 'the index is of type {0}; this array’s index type is {1}' },
  'index-range': { clause: '6.5.3.2', text: 'the index {0} is outside {1}' },
  operands: { clause: '6.7.2', text: '{0} cannot join {1} and {2}' },
  operand: { clause: '6.7.2', text: '{0} cannot stand before {1}' },
  comparison: { clause: '6.7.2.5', text: '{0} and {1} cannot be compared by {2}' },
  'string-lengths': { clause: '6.7.2.5', text: 'strings of different lengths, {0} and {1}, cannot be compared' },
  'set-members': { clause: '6.7.1', text: 'the members of a set are of one ordinal type; these are {0} and {1}' },
  'set-member-range': { clause: '6.7.1', text: 'the member {0} is outside {1}..{2}' },
  'in-operands': { clause: '6.7.2.5', text: 'in needs an ordinal value and a set of its type; these are {0} and {1}' },
  'boolean-needed': { clause: '6.8.3', text: 'a Boolean is needed here, and this is of type {0}' },
  'division-by-zero': { clause: '6.7.2.2', text: 'division by zero' },
  'mod-divisor': { clause: '6.7.2.2', text: 'the divisor of mod must be positive, and this is {0}' },
  overflow: { clause: '6.7.2.2', text: 'the result {0} is outside -maxint..maxint' },
  'assignment-type': { clause: '6.4.6', text: 'a value of type {1} cannot be assigned to a variable of type {0}' },
  'assignment-range': { clause: '6.4.6', text: 'the value {0} is outside {1}' },
  'assignment-file': { clause: '6.4.6', text: 'a file, or what contains one, cannot be assigned' },
  'assignment-lengths': { clause: '6.4.6', text: 'the string has {1} characters, and the variable takes {0}' },
  'assignment-target': { clause: '6.8.2.2', text: '{0} is {1}: nothing can be assigned to it' },
  'assignment-function': { clause: '6.8.2.2', text: 'the result of {0} can be assigned only in its own block' },
  'argument-count': { clause: '6.7.3', text: '{0} takes {1}; {2} given' },
  'argument-type': { clause: '6.6.3.2', text: 'the parameter {0} is of type {1}, and this is {2}' },
  'var-variable': { clause: '6.6.3.3', text: 'the parameter {0} is a var parameter: a variable is needed here' },
  'var-type': {
    clause: '6.6.3.3',
    text: 'the var parameter {0} is of type {1}, and this variable’s type is another: {2}',
  },
  'var-packed': { clause: '6.6.3.3', text: 'a component of a packed variable cannot be a var parameter' },
  'var-tag': { clause: '6.6.3.3', text: 'the tag field {0} cannot be a var parameter' },
  'value-file': { clause: '6.6.3.2', text: 'a file, or what contains one, can be a var parameter only' },
  'routine-needed': { clause: '6.6.3.4', text: 'the parameter {0} is a {1}: the name of one is needed here' },
  'routine-required': { clause: '6.6.3.4', text: 'the required {0} {1} cannot be a parameter' },
  congruous: { clause: '6.6.3.6', text: 'the parameters of {0} differ from those of the parameter {1}' },
  'routine-result': { clause: '6.6.3.5', text: 'the function {0} gives {1}, and the parameter {2} gives {3}' },
  'not-a-procedure': { clause: '6.8.2.3', text: '{0} is {1}, not a procedure' },
  'function-as-statement': { clause: '6.8.2.3', text: '{0} is a function: its result must be used' },
  'not-a-function': { clause: '6.7.3', text: '{0} is {1}, not a function' },
  'conformant-shape': { clause: '6.6.3.8', text: 'an array of type {1} does not conform to the parameter {0}' },
  'conformant-same': {
    clause: '6.6.3.7.1',
    text: 'the arguments for one list of conformant parameters are of one type',
  },
  'conformant-value': { clause: '6.6.3.7.2', text: 'a conformant array parameter cannot be passed on as a value' },
} as const

/** Diagnostics of statements and required procedures. */
const STATEMENT_ROWS = {
  'goto-reach': { clause: '6.8.1', text: 'goto cannot lead into the statement that the label {0} is in' },
  'case-type': { clause: '6.8.3.5', text: 'a case index is ordinal, and this is {0}' },
  'case-label-type': { clause: '6.8.3.5', text: 'this case constant is of type {0}; the index is of type {1}' },
  'case-twice': { clause: '6.8.3.5', text: 'the case constant {0} is given twice' },
  'for-variable': { clause: '6.8.3.9', text: 'the control variable {0} must be a variable of this very block' },
  'for-type': { clause: '6.8.3.9', text: 'a control variable is ordinal, and {0} is {1}' },
  'for-bound': { clause: '6.8.3.9', text: 'this bound is of type {0}; the control variable is of type {1}' },
  'for-threat': { clause: '6.8.3.9', text: 'the control variable {0} cannot be changed in its loop' },
  'for-threat-routine': {
    clause: '6.8.3.9',
    text: 'the control variable {0} is changed in a procedure of this block, at line {1}',
  },
  'for-range': { clause: '6.8.3.9', text: 'the control variable would be {0}, which is outside {1}' },
  'with-record': { clause: '6.8.3.10', text: 'with needs a record variable, and this is {0}' },
  'file-needed': { clause: '6.6.5.2', text: '{0} needs a file variable' },
  'text-needed': { clause: '6.9', text: '{0} needs a text file, and this is {1}' },
  'read-type': { clause: '6.9.1', text: 'read cannot read a {0} from a text file' },
  'write-type': { clause: '6.9.3', text: 'write cannot write a {0} to a text file' },
  'write-width': { clause: '6.9.3.1', text: 'a field width is an integer, and this is {0}' },
  'write-width-value': { clause: '6.9.3.1', text: 'a field width is at least 1, and this is {0}' },
  'write-digits': { clause: '6.9.3.4', text: 'digits after the point belong to a real, and this is {0}' },
  'string-needed': { clause: '6.4.3.2', text: '{0} needs a string, and this is of type {1}' },
  'string-size': { clause: '6.4.3.2', text: 'a string has 1 to {0} characters' },
  'file-untyped': { clause: '6.4.3.5', text: 'a file without a type has no components: use blockread and blockwrite' },
  'close-option': { clause: '6.6.5.2', text: 'a file is closed with normal, lock, purge or crunch' },
  'scan-relation-place': { clause: '6.7.1', text: 'only scan takes a comparison without its left side' },
  'scan-relation': { clause: '6.6.6', text: 'scan needs = or <> and a char here' },
  'long-size': { clause: '6.4.2.2', text: 'a long integer has 1 to {0} digits' },
  'sized-type': { clause: '6.4.3.2', text: 'only string and integer take a length, and this is {0}' },
  'exit-target': { clause: '6.8.2.4', text: 'exit needs a routine that this one is in, or the program' },
  'variable-needed': { clause: '6.5.1', text: '{0} needs a variable' },
  'write-format': { clause: '6.9.3', text: 'field widths belong to write on a text file' },
  'pointer-needed': { clause: '6.6.5.3', text: '{0} needs a pointer, and this is {1}' },
  'tag-constant': { clause: '6.6.5.3', text: 'this constant selects no variant of {0}' },
  'tags-many': { clause: '6.6.5.3', text: '{0} has no variant part here for another tag constant' },
  'pack-types': {
    clause: '6.6.5.4',
    text: '{0} needs an array, an index of it, and a packed array of the same components',
  },
  'required-argument': { clause: '6.6.6', text: '{0} needs {1}, and this is {2}' },
} as const

/** Every diagnostic of the compiler: what breaks which rule, and how it is said. */
export const DIAGNOSTICS: Readonly<Record<DiagnosticName, DiagnosticRow>> = {
  ...SYNTAX_ROWS,
  ...DECLARATION_ROWS,
  ...EXPRESSION_ROWS,
  ...STATEMENT_ROWS,
}

/** What a diagnostic is called, without `pascal.`. */
export type DiagnosticName =
  | keyof typeof SYNTAX_ROWS
  | keyof typeof DECLARATION_ROWS
  | keyof typeof EXPRESSION_ROWS
  | keyof typeof STATEMENT_ROWS
