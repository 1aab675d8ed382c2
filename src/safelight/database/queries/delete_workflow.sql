delete from workflows where id = $1 returning id
