-- What an operator asked of a backend, and when one that rests is asked again.
alter table backends
    add column draining boolean not null default false,
    add column until timestamptz;            -- of a resting one: the next look at it
