"""Who is told: messages to addresses that others have chosen."""
