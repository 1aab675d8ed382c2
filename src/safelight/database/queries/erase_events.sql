-- Numbers and kinds stay, so that whoever listens sees no gap; of what was told only numbers do.
-- $1 batch
update events
set data = coalesce(
    (select jsonb_object_agg(key, value) from jsonb_each(data)
     where key in ('index', 'indices', 'seed', 'stored', 'failed', 'canceled')), '{}')
where batch_id = $1
