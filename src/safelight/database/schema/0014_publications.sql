-- Copies of stored images at publishers. A row is made with the stored image, for every publisher of
-- its batch (in its plan); that it is due, and to be tried, is said here, its token only says: look.
create table publications (
    id uuid primary key default gen_random_uuid(),
    image_id uuid not null references images,
    publisher text not null,
    status text not null default 'pending' check (status in ('pending', 'uploaded', 'failed')),
    place text,                             -- its name there: written before the first try, for ever
    tries int not null default 0,           -- begun since it was last asked for
    nudges int not null default 0,          -- tokens made for it: one of an earlier nudge is another
    due_at timestamptz not null default safelight_now(),
    claimed_by uuid,                        -- the worker that tries now, and may until:
    claimed_until timestamptz,
    url text,
    bytes bigint,                           -- of the copy, as the publisher confirmed
    md5 text,
    sha256 text,
    reason text,                            -- of the last trouble
    created_at timestamptz not null default safelight_now(),
    finished_at timestamptz,
    removed_at timestamptz,                 -- taken away there, because somebody asked
    unique (image_id, publisher)
);
create index publications_pending on publications (publisher, due_at) where status = 'pending';
create index publications_failed on publications (publisher) where status = 'failed';

-- What an image's answer says of its copies: one entry a publisher of its batch, in their order,
-- also before there is a row. Null without publishers.
create function publications_of(image uuid, plan jsonb) returns jsonb language sql stable as $$
    select jsonb_agg(jsonb_build_object(
        'publisher', wanted.name, 'status', coalesce(publication.status, 'pending'),
        'url', publication.url, 'reason', publication.reason,
        'removed', publication.removed_at is not null) order by wanted.place)
    from jsonb_array_elements_text(plan -> 'publishers') with ordinality as wanted (name, place)
    left join publications publication
        on publication.image_id = image and publication.publisher = wanted.name
$$;
