"""How you ask: the HTTP faces, all of them through the gateway."""
