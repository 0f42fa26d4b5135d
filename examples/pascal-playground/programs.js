// @ts-check
/** @type {Record<string, { text: string, input?: string }>} */
export const PROGRAMS = {
  primes: {
    text: `program primes(output);
{ The sieve of Eratosthenes, with a set. }
const last = 100;
var sieve: set of 2..last; n, k: integer;
begin
  sieve := [2..last];
  for n := 2 to last do
    if n in sieve then begin
      write(n:4);
      k := 2 * n;
      while k <= last do begin
        sieve := sieve - [k];
        k := k + n
      end
    end;
  writeln
end.
`,
  },
  list: {
    text: `program reverse(input, output);
{ Reads numbers, and writes them in the other order. }
type link = ^node;
  node = record value: integer; next: link end;
var list: link; n: integer;

procedure push(var head: link; value: integer);
var fresh: link;
begin
  new(fresh);
  fresh^.value := value;
  fresh^.next := head;
  head := fresh
end;

begin
  list := nil;
  while not eof do begin
    readln(n);
    push(list, n)
  end;
  while list <> nil do begin
    writeln(list^.value:1);
    list := list^.next
  end
end.
`,
    input: '1\n2\n3\n',
  },
  queens: {
    text: `program queens(output);
{ Eight queens on a board, none of which may take another. }
const size = 8;
var column: array [1..size] of integer;
  free: array [1..size] of Boolean;
  up: array [2..16] of Boolean;
  down: array [-7..7] of Boolean;
  i, solutions: integer;

procedure show;
var row: integer;
begin
  for row := 1 to size do write(column[row]:2);
  writeln
end;

procedure place(row: integer);
var c: integer;
begin
  for c := 1 to size do
    if free[c] and up[row + c] and down[row - c] then begin
      column[row] := c;
      free[c] := false; up[row + c] := false; down[row - c] := false;
      if row < size then place(row + 1)
      else begin
        solutions := solutions + 1;
        if solutions <= 3 then show
      end;
      free[c] := true; up[row + c] := true; down[row - c] := true
    end
end;

begin
  for i := 1 to size do free[i] := true;
  for i := 2 to 16 do up[i] := true;
  for i := -7 to 7 do down[i] := true;
  solutions := 0;
  place(1);
  writeln(solutions:1, ' solutions')
end.
`,
  },
  mistake: {
    text: `program mistake(output);
{ Stops where it breaks a rule: debug it, and look around. }
var a: array [1..5] of integer; i: integer;
procedure fill(first: integer);
var k: integer;
begin
  for k := 0 to 4 do
    a[first + k] := k * k
end;
begin
  fill(1);
  for i := 1 to 5 do writeln(a[i]:3);
  fill(2)
end.
`,
  },
}
