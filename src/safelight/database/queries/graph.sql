select graph from graphs where sha256 = $1
