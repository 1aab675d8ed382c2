-- Open attempts on these backends whose image somebody has asked to cancel.
select prompt_id, backend from images
where backend = any($1) and status = 'dispatched' and cancel_asked_at is not null
