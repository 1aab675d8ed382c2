-- Copies that are to be taken away and may have lost their token; after a start those that wait for
-- another try are due now.
-- $1 publisher, $2 whether this is a start, $3 how many
with due as (
    select id from publications
    where publisher = $1 and remove_due_at is not null
      and ($2 and remove_tries > 0 or remove_due_at < safelight_now() - interval '5 seconds')
      and (claimed_until is null or claimed_until < safelight_now())
    order by remove_due_at limit $3
    for update skip locked
)
update publications set nudges = nudges + 1, remove_due_at = safelight_now()
from due where publications.id = due.id
returning publications.id, nudges
