-- What came of writing a copy of index.txt; see `note_index` about claims.
-- $1 publisher, $2 user, $3 character, $4 the number written, null: in vain, $5 claim,
-- $6 seconds until it is tried again, $7 why it was in vain
update index_copies
set written = case when claim = $5 then coalesce($4, written) else 0 end,
    tries = case when $4 is null then tries + 1 else 0 end,
    due_at = safelight_now() + make_interval(secs => $6), reason = $7, claim = null
where publisher = $1 and user_id = $2 and character_id = $3
