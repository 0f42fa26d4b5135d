program queens(output);
{ All ways to place queens on a board, with sets for rows and diagonals (after N. Wirth). }
const
  size = 11;
  rounds = 16;
type
  line = 1..size;
var
  rows: set of line;
  up: set of 2..22;
  down: set of 0..20;
  count, round: integer;

procedure place(column: integer);
var
  row: line;
begin
  for row := 1 to size do
    if (row in rows) and (row + column in up) and (row - column + 10 in down) then begin
      rows := rows - [row];
      up := up - [row + column];
      down := down - [row - column + 10];
      if column = size then
        count := count + 1
      else
        place(column + 1);
      rows := rows + [row];
      up := up + [row + column];
      down := down + [row - column + 10]
    end
end;

begin
  count := 0;
  for round := 1 to rounds do begin
    rows := [1..size];
    up := [2..22];
    down := [0..20];
    place(1)
  end;
  writeln(count: 1)
end.
