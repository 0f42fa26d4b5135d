program tree(output);
{ Binary trees, made, walked and disposed of. }
const
  depth = 16;
  rounds = 80;
type
  link = ^node;
  node = record
    left, right: link;
    value: integer
  end;
var
  round, total: integer;
  root: link;

function grown(level: integer): link;
var
  made: link;
begin
  new(made);
  made^.value := level;
  if level = 0 then begin
    made^.left := nil;
    made^.right := nil
  end else begin
    made^.left := grown(level - 1);
    made^.right := grown(level - 1)
  end;
  grown := made
end;

function sum(at: link): integer;
begin
  if at = nil then
    sum := 0
  else
    sum := at^.value + sum(at^.left) + sum(at^.right)
end;

procedure fell(at: link);
begin
  if at <> nil then begin
    fell(at^.left);
    fell(at^.right);
    dispose(at)
  end
end;

begin
  total := 0;
  for round := 1 to rounds do begin
    root := grown(depth);
    total := (total + sum(root)) mod 1000000;
    fell(root)
  end;
  writeln(total: 1)
end.
