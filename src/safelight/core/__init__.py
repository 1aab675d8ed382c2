"""What is true: records, rules and decisions. No I/O, no clock, no async."""
