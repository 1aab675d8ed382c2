select identity, place from store
