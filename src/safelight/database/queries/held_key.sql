select fingerprint, batch_id from idempotency_keys where scope = $1 and key = $2
