-- index.txt of a series was written. Where the claim is another's by now, a newer number may have
-- been overwritten: then it is written again, by whoever claims it next. Publishers that want the
-- file get what the store has.
-- $1 user, $2 character, $3 the number written, $4 claim, $5 publishers
with noted as (
    update series set index_written = case when index_claim = $4 then $3 else 0 end,
                      index_claim = null, index_claimed_until = null
    where user_id = $1 and character_id = $2
    returning user_id, character_id, index_written
)
insert into index_copies as copy (publisher, user_id, character_id, wanted)
select name, user_id, character_id, index_written from noted, unnest($5::text[]) as name
where index_written > 0
on conflict (publisher, user_id, character_id)
    do update set wanted = excluded.wanted where copy.wanted <> excluded.wanted
