"""Physics in SI units on arrays shaped (n, batch)."""
