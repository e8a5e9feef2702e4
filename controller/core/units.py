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


Dimension = tuple[tuple[str, float], ...]
"""Exponents of base units, sorted by name: mass flow is ``(("kg", 1), ("s", -1))``. A normal volume is an amount."""


def _dimension(**exponents: float) -> Dimension:
    return tuple(sorted(exponents.items()))


DIMENSIONS: dict[str, Dimension] = {
    "none": (),
    "fraction": (),
    "ratio": (),
    "length": _dimension(m=1),
    "temperature": _dimension(K=1),
    "temperature difference": _dimension(K=1),
    "temperature rate": _dimension(K=1, s=-1),
    "pressure": _dimension(kg=1, m=-1, s=-2),
    "pressure difference": _dimension(kg=1, m=-1, s=-2),
    "pressure rate": _dimension(kg=1, m=-1, s=-3),
    "mass flow": _dimension(kg=1, s=-1),
    "mass flow rate": _dimension(kg=1, s=-2),
    "normal volume flow": (("Nm³", 1), ("s", -1)),
    "volume": _dimension(m=3),
    "volume flow": _dimension(m=3, s=-1),
    "power": _dimension(kg=1, m=2, s=-3),
    "energy": _dimension(kg=1, m=2, s=-2),
    "specific energy": _dimension(m=2, s=-2),
    "reactive power": _dimension(var=1),
    "current": _dimension(A=1),
    "voltage": _dimension(A=-1, kg=1, m=2, s=-3),
    "frequency": _dimension(s=-1),
    "speed": _dimension(s=-1),
    "rate": _dimension(s=-1),
    "conductivity": _dimension(A=2, kg=-1, m=-3, s=3),
    "concentration": (("Nm³", -1), ("kg", 1)),
    "actual concentration": _dimension(kg=1, m=-3),
    "velocity": _dimension(m=1, s=-1),
    "time": _dimension(s=1),
    "mass": _dimension(kg=1),
    "data": _dimension(B=1),
}

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
    "t/d": Unit("t/d", "", "mass flow", 1.0 / 86.4),
    "kg/min": Unit("kg/min", "F31", "mass flow", 1.0 / 60.0),
    "m³/h": Unit("m³/h", "MQH", "volume flow", 1.0 / 3600.0),
    "Nm³/s": Unit("Nm³/s", "", "normal volume flow"),
    "kg": Unit("kg", "KGM", "mass"),
    "GJ": Unit("GJ", "GV", "energy", 1e9),
    "MJ": Unit("MJ", "3B", "energy", 1e6),
    "MWh": Unit("MWh", "MWH", "energy", 3.6e9),
    "kWh": Unit("kWh", "KWH", "energy", 3.6e6),
    "MJ/kg": Unit("MJ/kg", "JK", "specific energy", 1e6),
    "kJ/kg": Unit("kJ/kg", "B42", "specific energy", 1e3),
    "kWh/t": Unit("kWh/t", "", "specific energy", 3.6e3),
    "K/s": Unit("K/s", "", "temperature rate"),
    "Pa/s": Unit("Pa/s", "", "pressure rate"),
    "kPa/s": Unit("kPa/s", "", "pressure rate", 1e3),
    "MPa/min": Unit("MPa/min", "", "pressure rate", 1e6 / 60.0),
    "%/s": Unit("%/s", "", "rate", 0.01),
    "%/min": Unit("%/min", "", "rate", 0.01 / 60.0),
    "t/h/min": Unit("t/h/min", "", "mass flow rate", 1.0 / 216.0),
    "mm/min": Unit("mm/min", "", "velocity", 1e-3 / 60.0),
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
