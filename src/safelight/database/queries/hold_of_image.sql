-- Why a queued image is not drawn, if its graph is held.
select holds.pool, holds.graph, holds.workflow, holds.backends, holds.held_at
from images image join batches batch on batch.id = image.batch_id
join holds on holds.pool = image.pool and holds.graph = batch.plan ->> 'graph'
where image.id = $1 and image.status = 'queued'
