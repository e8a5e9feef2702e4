"""The configuration of a plant: ``load`` reads a folder, checks everything and expands it to full keys."""

from controller.core.config.load import behaviour_hash, load, with_devices
from controller.core.config.placed import Config, Placed, area_of

__all__ = ["Config", "Placed", "area_of", "behaviour_hash", "load", "with_devices"]
