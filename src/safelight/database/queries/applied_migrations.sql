select number, sha256 from safelight_migrations order by number
