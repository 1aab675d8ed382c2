-- The pictures of a batch are deleted, what was said of its images is forgotten. Its rows are locked.
-- $1 batch
update images
set deleted_at = case when status = 'stored' then coalesce(deleted_at, safelight_now()) end,
    error = case when error is not null
                 then jsonb_build_object('code', error -> 'code', 'detail', 'erased') end
where batch_id = $1
returning id
