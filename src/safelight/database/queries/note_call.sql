-- $1 batch, $2 scope, $3 fingerprint, $4 holder
insert into calls (batch_id, scope, fingerprint, holder, process)
values ($1, $2, $3, $4, current_setting('application_name'))
