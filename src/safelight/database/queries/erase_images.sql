-- The pictures of a batch are deleted, stars and what was said of its images are forgotten. Its rows
-- are locked.
-- $1 batch
update images
set starred_at = null,
    deleted_at = case when status = 'stored' then coalesce(deleted_at, safelight_now()) end,
    error = case when error is not null
                 then jsonb_build_object('code', error -> 'code', 'detail', 'erased') end
where batch_id = $1
returning id
