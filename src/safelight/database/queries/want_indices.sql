-- A publisher that is new gets the file of every series that has one. $1 publishers
insert into index_copies (publisher, user_id, character_id, wanted)
select name, user_id, character_id, index_written from series, unnest($1::text[]) as name
where index_written > 0
on conflict do nothing
