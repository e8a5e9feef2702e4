"""The process boundary: frames, events, commands, journal."""
