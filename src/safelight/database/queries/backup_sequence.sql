select setval($1::text::regclass, $2)
