-- $1 id, $2 secret. Two who come at once make two: both are believed.
insert into link_keys (id, secret)
select $1, $2::bytea where not exists (select from link_keys where retired_at is null)
