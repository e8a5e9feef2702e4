"""Control blocks, one module a kind."""
