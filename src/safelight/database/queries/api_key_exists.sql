select exists (select from api_keys) as any
