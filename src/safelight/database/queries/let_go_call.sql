update calls set holder = null, process = null where holder = $1
