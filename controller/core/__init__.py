"""Vocabulary of the plant: tags, quality, time, commands, events, configuration, plan."""
