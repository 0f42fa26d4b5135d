program matrix(output);
{ Products of matrices of reals. }
const
  size = 300;
  rounds = 30;
type
  index = 1..size;
  square = array [index, index] of real;
var
  a, b, c: square;
  round, i, j: integer;

procedure multiply(var a, b, c: square);
var
  i, j, k: index;
  sum: real;
begin
  for i := 1 to size do
    for j := 1 to size do begin
      sum := 0.0;
      for k := 1 to size do
        sum := sum + a[i, k] * b[k, j];
      c[i, j] := sum
    end
end;

begin
  for i := 1 to size do
    for j := 1 to size do begin
      a[i, j] := i + j / size;
      b[i, j] := i - j / size
    end;
  for round := 1 to rounds do
    multiply(a, b, c);
  writeln(c[size, size]: 1: 3)
end.
