"""What is remembered: one PostgreSQL, one statement per `.sql` file, one function per statement."""
