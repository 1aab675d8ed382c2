-- Their index.txt are not written again by themselves: the next order of a series does that.
-- $1 user
update series set index_written = highest, index_claim = null, index_claimed_until = null
where user_id = $1 and index_written <> highest
