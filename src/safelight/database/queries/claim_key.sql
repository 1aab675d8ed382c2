-- No row: somebody has it (and, where two came at once, has committed by now).
insert into idempotency_keys (scope, key, fingerprint, batch_id)
values ($1, $2, $3, $4)
on conflict (scope, key) do nothing
returning batch_id
