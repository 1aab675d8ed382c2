-- Many machines on one database: where the pictures lie, and which server a backend is.

create table store (                        -- one row: the store of this database
    one boolean primary key default true check (one),
    identity text not null,                 -- token in the folder, or the bucket's name
    place text not null,                    -- for people: folder and host, or the bucket
    since timestamptz not null default safelight_now()
);

alter table backends
    add column address text not null default '',  -- its url in one spelling
    add column host text not null default '',     -- of a loopback address: whose; else ''
    add column twin text;                         -- found to be the same server as this backend

-- One server has one name. Rows of names that are no longer used have no address.
create unique index backends_server on backends (host, address) where address <> '';
