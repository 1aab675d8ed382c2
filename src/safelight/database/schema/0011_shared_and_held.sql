-- Servers that were seen to serve each other's files: they write to one folder.
alter table backends add column shares_output text[] not null default '{}';
