-- What the order itself said of the drawing. The plan cannot tell: there it is mixed with what
-- character, style and settings say. Of batches from before nobody knows.
alter table batches add column parameters jsonb not null default '{}';
