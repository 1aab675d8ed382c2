-- The backend of a lost attempt is back and knows it: it had not died.
delete from deaths where prompt_id = $1
