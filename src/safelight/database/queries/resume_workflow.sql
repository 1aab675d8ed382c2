-- Holds of a workflow end, those under its id and those of its graph. What died is forgotten.
-- $1 workflow, $2 graph or null, $3 pool or null for all
with ended as (
    delete from holds
    where (workflow = $1 or graph = $2) and ($3::text is null or pool = $3)
    returning pool, graph
), forgiven as (
    delete from deaths using ended where deaths.pool = ended.pool and deaths.graph = ended.graph
)
select pool, graph from ended
