"""Is the simulated plant right? Checks against the reference figures, for the tests and for ``docs/validation.md``."""
