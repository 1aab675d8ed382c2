select prompt_id from attempts where prompt_id = any($1::uuid[]) and closed_at is not null
