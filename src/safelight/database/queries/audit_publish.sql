-- A copy that was to be made, and of which there is no row.
-- $1 image, $2 publisher
insert into publications (image_id, publisher)
select id, $2 from images where id = $1 and status = 'stored' and deleted_at is null
on conflict (image_id, publisher) do nothing
returning id, nudges
