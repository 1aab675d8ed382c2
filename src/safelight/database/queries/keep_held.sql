-- A queued image whose graph is held gives up its place in the line. No row: somebody has resumed it.
-- $1 image, $2 graph. Who resumes waits for this, and then finds the image.
with hold as materialized (
    select holds.pool from holds join images image on image.pool = holds.pool
    where image.id = $1 and holds.graph = $2 for share of holds
)
update images set held = true from hold where images.id = $1 and status = 'queued'
returning images.id
