"""The command line, the launcher, the rig: the only place that knows all."""
