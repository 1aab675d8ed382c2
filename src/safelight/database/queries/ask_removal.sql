-- Copies that are to be taken away where they are, as soon as nobody tries to put them there. One
-- that never had a place is away already.
-- $1 images
update publications
set remove_asked_at = safelight_now(), remove_tries = 0, remove_reason = null, nudges = nudges + 1,
    remove_due_at = case when place is not null then safelight_now() end,
    removed_at = case when place is null then safelight_now() end
where image_id = any($1::uuid[]) and removed_at is null
returning id, publisher, nudges, remove_due_at is not null as due
