-- A copy that is to be taken away, once nobody has it in hand.
-- $1 publication, $2 worker, $3 seconds
update publications
set claimed_by = $2, claimed_until = safelight_now() + make_interval(secs => $3),
    remove_tries = remove_tries + 1
where id = $1 and remove_due_at <= safelight_now()
  and (claimed_until is null or claimed_until < safelight_now())
returning id, image_id, publisher, place, md5, remove_tries
