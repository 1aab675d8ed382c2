-- $1 name, $2 whether it is to take no more
update backends set draining = $2 where name = $1 returning name
