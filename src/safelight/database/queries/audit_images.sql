-- Images that name a key, in the order of keys, from one place on.
-- $1 key and $2 image after which, $3 key before which, $4 how many
select id, key, bytes, deleted_at is not null as deleted from images
where key is not null and (key collate "C", id) > ($1::text collate "C", $2::uuid)
  and key collate "C" < $3
order by key collate "C", id limit $4
