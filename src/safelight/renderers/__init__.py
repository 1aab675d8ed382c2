"""Who draws: clients of render servers behind one protocol (`base`)."""
