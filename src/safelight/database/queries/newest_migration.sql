select max(number) from safelight_migrations
