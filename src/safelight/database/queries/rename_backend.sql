-- The server of $1 is called $2 from now on, and nobody drives it under its old name: its open
-- attempts go with it, unless $2 has some of its own.
with attempt as (
    update attempts set backend = $2
    where backend = $1 and closed_at is null
      and not exists (select from attempts other where other.backend = $2 and other.closed_at is null)
)
update backends set address = '', host = '', twin = null, state = 'resting',
                    reason = 'its server is called "' || $2::text || '" now'
where name = $1
