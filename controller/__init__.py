"""The controller: reads the field, judges it, writes it."""
