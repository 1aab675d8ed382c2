-- $1 and $2 serve each other's files, or ($3 is false) they do not. Rows are those that said otherwise.
update backends
set shares_output = case when $3::boolean then shares_output || pair.other
                         else array_remove(shares_output, pair.other) end
from (values ($1::text, $2::text), ($2, $1)) pair (name, other)
where backends.name = pair.name and (pair.other = any (shares_output)) <> $3
returning backends.name
