"""Engineering units: what people read, their UNECE Rec. 20 code for OPC UA, and the way to SI for the simulator.

A temperature and a temperature difference are different units; so are gauge and absolute pressure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """``si = value * factor + offset``; gauge pressures need the site's barometric pressure on top."""

    symbol: str  # as displayed
    code: str  # UNECE common code; "" where Rec. 20 has none
    quantity: str  # two units can be compared when this is equal
    factor: float = 1.0
    offset: float = 0.0
    is_gauge: bool = False

    @property
    def unece_id(self) -> int:
        """OPC UA Part 8 section 5.6.3: the code's characters as a big-endian integer; -1 where there is none."""
        return int.from_bytes(self.code.encode("ascii"), "big") if self.code else -1


UNITS: dict[str, Unit] = {
    "": Unit("", "", "none"),
    "%": Unit("%", "P1", "fraction", 0.01),
    "mm": Unit("mm", "MMT", "length", 1e-3),
    "m": Unit("m", "MTR", "length"),
    "°C": Unit("°C", "CEL", "temperature", 1.0, 273.15),
    "K": Unit("K", "KEL", "temperature difference"),
    "K/min": Unit("K/min", "", "temperature rate", 1.0 / 60.0),
    "MPa(g)": Unit("MPa(g)", "MPA", "pressure", 1e6, 0.0, is_gauge=True),
    "kPa(g)": Unit("kPa(g)", "KPA", "pressure", 1e3, 0.0, is_gauge=True),
    "Pa(g)": Unit("Pa(g)", "PAL", "pressure", 1.0, 0.0, is_gauge=True),
    "MPa(a)": Unit("MPa(a)", "MPA", "pressure", 1e6),
    "kPa(a)": Unit("kPa(a)", "KPA", "pressure", 1e3),
    "MPa": Unit("MPa", "MPA", "pressure difference", 1e6),
    "kPa": Unit("kPa", "KPA", "pressure difference", 1e3),
    "Pa": Unit("Pa", "PAL", "pressure difference"),
    "t/h": Unit("t/h", "E18", "mass flow", 1.0 / 3.6),
    "kg/h": Unit("kg/h", "E93", "mass flow", 1.0 / 3600.0),
    "kg/s": Unit("kg/s", "KGS", "mass flow"),
    "Nm³/h": Unit("Nm³/h", "", "normal volume flow", 1.0 / 3600.0),
    "m³": Unit("m³", "MTQ", "volume"),
    "MW": Unit("MW", "MAW", "power", 1e6),
    "kW": Unit("kW", "KWT", "power", 1e3),
    "Mvar": Unit("Mvar", "MAR", "reactive power", 1e6),
    "A": Unit("A", "AMP", "current"),
    "kV": Unit("kV", "KVT", "voltage", 1e3),
    "Hz": Unit("Hz", "HTZ", "frequency"),
    "rpm": Unit("rpm", "RPM", "speed", 1.0 / 60.0),
    "µS/cm": Unit("µS/cm", "H61", "conductivity", 1e-4),
    "mg/Nm³": Unit("mg/Nm³", "", "concentration", 1e-6),
    "µg/Nm³": Unit("µg/Nm³", "", "concentration", 1e-9),
    "mg/m³": Unit("mg/m³", "GP", "actual concentration", 1e-6),
    "m/s": Unit("m/s", "MTS", "velocity"),
    "mm/s": Unit("mm/s", "C16", "velocity", 1e-3),
    "µm": Unit("µm", "4H", "length", 1e-6),
    "ms": Unit("ms", "C26", "time", 1e-3),
    "s": Unit("s", "SEC", "time"),
    "min": Unit("min", "MIN", "time", 60.0),
    "h": Unit("h", "HUR", "time", 3600.0),
    "t": Unit("t", "TNE", "mass", 1e3),
    "ppm": Unit("ppm", "59", "ratio", 1e-6),
    "MB": Unit("MB", "4L", "data", 1e6),
    "1/s": Unit("1/s", "C97", "rate"),
}


def to_si(value: float, unit: str, barometric_pa: float) -> float:
    """Convert one engineering value to SI; gauge pressures become absolute."""
    u = UNITS[unit]
    return value * u.factor + u.offset + (barometric_pa if u.is_gauge else 0.0)


def si_scale(unit: str, barometric_pa: float) -> tuple[float, float]:
    """Return (factor, offset) with ``si = value * factor + offset``."""
    u = UNITS[unit]
    return u.factor, u.offset + (barometric_pa if u.is_gauge else 0.0)
