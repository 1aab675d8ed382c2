-- Those that wait for another try are due now. $1 publisher, $2 how many
update publications set nudges = nudges + 1, due_at = safelight_now()
where id in (
    select id from publications
    where publisher = $1 and status = 'pending' and due_at > safelight_now()
    order by due_at limit $2 for update skip locked
)
returning id, nudges
