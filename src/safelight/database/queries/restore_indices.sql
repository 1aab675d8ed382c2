-- Nobody knows what the files say.
update series set index_written = 0, index_claim = null, index_claimed_until = null
