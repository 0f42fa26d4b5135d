program fibonacci(output);
{ Calls and nothing else. }

function fib(n: integer): integer;
begin
  if n < 2 then
    fib := n
  else
    fib := fib(n - 1) + fib(n - 2)
end;

begin
  writeln(fib(42): 1)
end.
