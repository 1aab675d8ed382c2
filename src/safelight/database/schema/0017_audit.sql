-- What is deleted, and what proves that rows, store and publishers agree.
--
-- A row says first that its image is deleted, then the file goes: whoever is killed between the two
-- leaves a file that somebody removes, never a row that promises one.
alter table images add column file_removed_at timestamptz;  -- after deleted_at, when the file is gone
create index images_deleted on images (deleted_at)
    where deleted_at is not null and file_removed_at is null;
create index images_by_age on images (finished_at) where status = 'stored' and deleted_at is null;
-- Keys in the order in which a store lists them.
create index images_by_key on images (key collate "C", id) where key is not null;

-- Copies that somebody asked to take away. They keep their status: it says what became of the upload.
alter table publications
    add column remove_asked_at timestamptz,
    add column remove_due_at timestamptz,   -- null: not asked for, done, or given up
    add column remove_tries int not null default 0,
    add column remove_reason text;          -- of the last trouble
create index publications_unwanted on publications (publisher, remove_due_at)
    where remove_due_at is not null;
create index publications_leaving on publications (id)
    where remove_asked_at is not null and removed_at is null;
create index publications_uploaded on publications (publisher, id) where status = 'uploaded';

-- What was ordered is blanked, because its user was erased: nothing of it is drawn again.
alter table batches add column erased_at timestamptz;
