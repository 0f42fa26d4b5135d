program strings(output);
{ Words as packed arrays of characters: made, compared, searched, sorted. }
const
  length = 12;
  count = 2000;
  rounds = 40;
type
  word = packed array [1..length] of char;
var
  words: array [1..count] of word;
  round, vowels, seed: integer;

function random(limit: integer): integer;
begin
  seed := (seed * 137 + 4111) mod 200003;
  random := seed mod limit
end;

procedure fill;
var
  i, j: integer;
begin
  for i := 1 to count do
    for j := 1 to length do
      words[i][j] := chr(ord('a') + random(26))
end;

procedure sort;
var
  i, j: integer;
  held: word;
begin
  for i := 2 to count do begin
    held := words[i];
    j := i - 1;
    while (j > 1) and (words[j] > held) do begin
      words[j + 1] := words[j];
      j := j - 1
    end;
    if words[j] > held then begin
      words[j + 1] := words[j];
      words[j] := held
    end else
      words[j + 1] := held
  end
end;

function vowelsIn(var text: word): integer;
var
  i, found: integer;
begin
  found := 0;
  for i := 1 to length do
    if text[i] in ['a', 'e', 'i', 'o', 'u'] then
      found := found + 1;
  vowelsIn := found
end;

procedure search;
var
  i: integer;
begin
  for i := 1 to count do
    vowels := vowels + vowelsIn(words[i])
end;

begin
  seed := 17;
  vowels := 0;
  for round := 1 to rounds do begin
    fill;
    sort;
    search
  end;
  writeln(words[1], ' ', words[count], vowels: 8)
end.
