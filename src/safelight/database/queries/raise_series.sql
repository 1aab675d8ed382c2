-- A series goes on above a number, unless it does already. Its row stays locked until commit.
-- $1 user, $2 character, $3 highest number that was given out, $4 seed key for a new series
insert into series as s (user_id, character_id, highest, seed_key) values ($1, $2, $3, $4)
on conflict (user_id, character_id) do update set highest = greatest(s.highest, excluded.highest)
