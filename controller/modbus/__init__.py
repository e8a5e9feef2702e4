"""The field: poll plan, codec, master."""
