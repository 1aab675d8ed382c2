-- Those of a publisher that are due and nobody's: their token may be gone.
-- $1 publisher, $2 seconds for which a token may be on its way, $3 after this one, $4 how many
select id, nudges from publications
where publisher = $1 and status = 'pending' and id > $3
  and due_at < safelight_now() - make_interval(secs => $2)
  and (claimed_until is null or claimed_until < safelight_now())
order by id limit $4
