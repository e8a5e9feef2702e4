"""Pages of the control strategy, written from the configuration alone: every loop as a drawing and in tables."""
