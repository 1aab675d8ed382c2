-- What an operator asked of a backend, and when one that rests is asked again.
alter table backends
    add column draining boolean not null default false,
    add column until timestamptz;            -- of a resting one: the next look at it

-- Images that some backend cannot draw: few, and looked for every 10 s.
create index images_shunned on images (pool) where status = 'queued' and not_on <> '{}';

-- When a closed attempt's prompt was found at its backend all the same, and cancelled.
alter table attempts add column ghost_at timestamptz;
create index attempts_ghosts on attempts (backend) where ghost_at is not null;
-- Given up, but their pictures may still come.
create index attempts_lost on attempts (backend, closed_at) where outcome = 'lost';
