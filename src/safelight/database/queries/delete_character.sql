delete from characters where id = $1 returning id
