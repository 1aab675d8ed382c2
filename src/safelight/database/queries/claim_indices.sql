-- Series whose index.txt in the store is behind, for whoever writes them now.
-- $1 claim, $2 seconds it lasts, $3 at most so many
update series set index_claim = $1, index_claimed_until = safelight_now() + make_interval(secs => $2)
where (user_id, character_id) in (
    select user_id, character_id from series
    where index_written <> highest
      and (index_claimed_until is null or index_claimed_until < safelight_now())
    limit $3 for update skip locked)
returning user_id, character_id, highest
