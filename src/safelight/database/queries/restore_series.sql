-- Above the highest index that was ever given out, as far as anybody knows.
-- $1 users, $2 characters, $3 highest, $4 seed keys for series that the backup does not know
insert into series as s (user_id, character_id, highest, seed_key)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[])
on conflict (user_id, character_id) do update set highest = greatest(s.highest, excluded.highest)
