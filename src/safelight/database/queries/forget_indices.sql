-- Nobody knows what the files in the store say: they are written again.
update series set index_written = 0, index_claim = null, index_claimed_until = null
