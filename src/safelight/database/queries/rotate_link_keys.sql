-- $1 id, $2 secret
with retired as (
    update link_keys set retired_at = safelight_now() where retired_at is null
)
insert into link_keys (id, secret) values ($1, $2)
