-- Those that are believed, the one that signs first.
select id, secret from link_keys where retired_at is null order by created_at desc, id
