program sieve(output);
{ Primes below 8192, found many times over. }
const
  size = 8190;
  rounds = 20000;
var
  flags: array [0..size] of boolean;
  round, found: integer;

function primes: integer;
var
  i, prime, k, count: integer;
begin
  count := 0;
  for i := 0 to size do
    flags[i] := true;
  for i := 0 to size do
    if flags[i] then begin
      prime := i + i + 3;
      k := i + prime;
      while k <= size do begin
        flags[k] := false;
        k := k + prime
      end;
      count := count + 1
    end;
  primes := count
end;

begin
  found := 0;
  for round := 1 to rounds do
    found := primes;
  writeln(found: 1)
end.
