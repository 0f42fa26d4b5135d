program records(output);
{ Records, strings, calls and branches in the proportions of R. Weicker's Dhrystone (1984). }
const
  rounds = 10000000;
type
  name = packed array [1..30] of char;
  choice = (first, second, third, fourth, fifth);
  link = ^thing;
  thing = record
    next: link;
    kind: choice;
    number: integer;
    text: name
  end;
  row = array [1..50] of integer;
  table = array [1..50, 1..50] of integer;
var
  head, other: link;
  round, sum: integer;
  letter: char;
  line: row;
  sheet: table;
  one, two: name;

function category(a, b: char): choice;
var
  c: char;
begin
  c := a;
  if c <> b then
    category := first
  else begin
    letter := c;
    category := second
  end
end;

function later(var a, b: name): boolean;
var
  i: integer;
  c: char;
begin
  i := 2;
  c := 'A';
  while i <= 2 do
    if category(a[i], b[i + 1]) = first then begin
      c := 'A';
      i := i + 1
    end else
      i := i + 2;
  if (c >= 'W') and (c < 'Z') then
    i := 7;
  later := a > b
end;

procedure step(a: choice; var b: choice);
begin
  b := a;
  case a of
    first: b := first;
    second: if sum > 100 then b := first else b := fourth;
    third: b := second;
    fourth: ;
    fifth: b := third
  end
end;

procedure add(a, b: integer; var c: integer);
begin
  c := b + a + 2
end;

procedure follow(p: link);
begin
  p^.next^ := head^;
  p^.number := 5;
  p^.next^.number := p^.number;
  p^.next^.next := p^.next;
  step(p^.kind, p^.next^.kind);
  add(p^.next^.number, 10, p^.next^.number)
end;

procedure fillRow(var a: row; var b: table; i, j: integer);
var
  k, at: integer;
begin
  at := i + 5;
  a[at] := j;
  a[at + 1] := a[at];
  a[at + 30] := at;
  for k := at to at + 1 do
    b[at, k] := at;
  b[at, at - 1] := b[at, at - 1] + 1;
  b[at + 20, at] := a[at]
end;

begin
  new(head);
  new(other);
  head^.next := other;
  head^.kind := first;
  head^.number := 40;
  head^.text := 'A LINE OF THIRTY LETTERS, ONE.';
  other^ := head^;
  one := 'A LINE OF THIRTY LETTERS, ONE.';
  two := 'A LINE OF THIRTY LETTERS, TWO.';
  sum := 0;
  sheet[8, 7] := 10;
  for round := 1 to rounds do begin
    if not later(one, two) then
      add(2, 3, sum);
    fillRow(line, sheet, 3, sum);
    sheet[8, 7] := sheet[8, 7] mod 1000;
    follow(head);
    sum := sum * 3 mod 17 + round mod 5
  end;
  writeln(sum: 1, ' ', sheet[8, 7]: 1, ' ', head^.next^.number: 1, ' ', letter in ['A'..'Z'])
end.
