-- Nobody tries any more what somebody tried when the backup was made; their tokens are made anew.
update publications set claimed_by = null, claimed_until = null, due_at = safelight_now()
where status = 'pending'
