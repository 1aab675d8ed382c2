-- To which of these batches somebody listens. $1 batches
select batch_id from watches where batch_id = any($1) and until > safelight_now()
