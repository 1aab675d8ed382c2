-- Nobody knows what the files say.
update index_copies set written = 0, tries = 0, claim = null, due_at = safelight_now()
