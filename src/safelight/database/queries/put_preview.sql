-- No row: that attempt does not draw the image any more.
-- $1 image, $2 prompt id, $3 picture
insert into previews as preview (image_id, prompt_id, number, picture)
select id, prompt_id, (extract(epoch from safelight_now()) * 1000)::bigint, $3 from images
where id = $1 and status = 'dispatched' and prompt_id = $2
on conflict (image_id) do update
set prompt_id = excluded.prompt_id, picture = excluded.picture,
    number = greatest(preview.number + 1, excluded.number)
returning number
