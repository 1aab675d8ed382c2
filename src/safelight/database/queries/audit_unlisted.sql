-- Some stored images, in the order of their ids, with the publishers of their plan that have no row.
-- $1 user, null for all; $2 id after which; $3 how many
with page as materialized (
    select id, batch_id, key from images
    where status = 'stored' and deleted_at is null and id > $2
      and ($1::text is null or user_id = $1)
    order by id limit $3
)
select page.id, page.key, array(
    select wanted.name
    from jsonb_array_elements_text(case jsonb_typeof(batch.plan -> 'publishers')
                                   when 'array' then batch.plan -> 'publishers'
                                   else '[]' end) with ordinality as wanted (name, place)
    where not exists (select from publications
                      where image_id = page.id and publisher = wanted.name)
    order by wanted.place) as publishers
from page join batches batch on batch.id = page.batch_id
order by page.id
