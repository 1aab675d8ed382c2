update api_keys set last_used_at = safelight_now() where id = $1
