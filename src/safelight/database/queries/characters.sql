select id, document from characters order by id
