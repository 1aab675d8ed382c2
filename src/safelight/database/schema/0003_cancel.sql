-- The wish that a dispatched image be canceled: whoever drives its attempt carries it out.
alter table images add column cancel_asked_at timestamptz;
create index images_unwanted on images (backend)
    where status = 'dispatched' and cancel_asked_at is not null;
