-- $1 and $2 are one server: $1 is not to be driven while $2 is.
update backends set twin = $2 where name = $1 and twin is distinct from $2
