update calls set arrived_at = safelight_now(), holder = null, process = null where holder = $1
