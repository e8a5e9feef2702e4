"""``python -m wte`` is ``wte``."""

from wte.cli import main

main()
