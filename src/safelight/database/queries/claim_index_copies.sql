-- Copies of index.txt that are behind, for whoever writes them now.
-- $1 claim, $2 seconds it lasts, $3 at most so many, $4 publisher
update index_copies set claim = $1, due_at = safelight_now() + make_interval(secs => $2)
where (publisher, user_id, character_id) in (
    select publisher, user_id, character_id from index_copies
    where written <> wanted and publisher = $4 and due_at < safelight_now()
    order by due_at limit $3 for update skip locked)
returning user_id, character_id, wanted, tries
