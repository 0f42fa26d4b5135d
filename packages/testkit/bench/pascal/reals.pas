program reals(output);
{ Reals, arrays and functions in the proportions of the Whetstone benchmark (Curnow and Wichmann, 1976). }
const
  rounds = 60000;
type
  four = array [1..4] of real;
var
  e: four;
  t, t1, t2, x, y, z, x1, x2, x3, x4: real;
  i, j, k, l, round: integer;

procedure mix(var e: four);
var
  j: integer;
begin
  j := 0;
  repeat
    e[1] := (e[1] + e[2] + e[3] - e[4]) * t;
    e[2] := (e[1] + e[2] - e[3] + e[4]) * t;
    e[3] := (e[1] - e[2] + e[3] + e[4]) * t;
    e[4] := (-e[1] + e[2] + e[3] + e[4]) / t2;
    j := j + 1
  until j >= 6
end;

procedure turn;
begin
  e[j] := e[k];
  e[k] := e[l];
  e[l] := e[j]
end;

procedure blend(x, y: real; var z: real);
begin
  x := t * (x + y);
  y := t * (x + y);
  z := (x + y) / t2
end;

begin
  t := 0.499975;
  t1 := 0.50025;
  t2 := 2.0;
  x1 := 1.0;
  x2 := -1.0;
  x3 := -1.0;
  x4 := -1.0;
  e[1] := 1.0;
  e[2] := -1.0;
  e[3] := -1.0;
  e[4] := -1.0;
  x := 0.5;
  y := 0.5;
  z := 0.0;
  for round := 1 to rounds do begin
    for i := 1 to 12 do begin
      x1 := (x1 + x2 + x3 - x4) * t;
      x2 := (x1 + x2 - x3 + x4) * t;
      x3 := (x1 - x2 + x3 + x4) * t;
      x4 := (-x1 + x2 + x3 + x4) * t
    end;
    for i := 1 to 14 do
      mix(e);
    j := 1;
    for i := 1 to 345 do begin
      if j = 1 then j := 2 else j := 3;
      if j > 2 then j := 0 else j := 1;
      if j < 1 then j := 1 else j := 0
    end;
    j := 1;
    k := 2;
    l := 3;
    for i := 1 to 210 do begin
      j := j * (k - j) * (l - k);
      k := l * k - (l - j) * k;
      l := (l - k) * (k + j);
      e[l - 1] := j + k + l;
      e[k - 1] := j * k * l
    end;
    for i := 1 to 32 do
      x := t * arctan(t2 * sin(x) * cos(x) / (cos(x + y) + cos(x - y) - 1.0));
    for i := 1 to 899 do
      blend(x, y, z);
    j := 1;
    k := 2;
    l := 3;
    for i := 1 to 616 do
      turn;
    for i := 1 to 93 do
      x := sqrt(exp(ln(abs(x) + 0.1) / t1))
  end;
  writeln(x: 1: 3, ' ', z: 1: 3)
end.
