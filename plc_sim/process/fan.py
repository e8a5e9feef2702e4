"""Primary and secondary air fans with converters: speed, power, and the temperatures that their protection watches.

``dp = shutoff * speed^2 - b * flow^2``. Arrays are (fans, lines, batch): primary, secondary.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import AirParameters, values
from plc_sim.process.flow import lag_share

Floats = npt.NDArray[np.float64]

FANS = ("pa_fan", "sa_fan")
RUNNING_SPEED = 0.05  # of full speed: below it the run feedback is gone


@dataclass(frozen=True, slots=True)
class Fans:
    """Both air fans of all lines."""

    speed: Floats
    bearing: Floats  # K
    winding: Floats  # K
    tripped: Floats  # disturbance: 1 stops the fan
    shutoff_pa: Floats
    b: Floats
    full_w: Floats
    full_speed: Floats
    efficiency: Floats
    lags_s: Floats  # (4, 1, lines, 1) start, coast, bearing, winding
    bearing_rise_k: Floats
    winding_rise_k: Floats
    vibration_m_s: Floats

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], air: list[AirParameters], ambient_k: Floats) -> "Fans":
        """Add the state: both fans at rest."""

        def both(primary: str, secondary: str) -> Floats:
            return np.stack([values(air, primary), values(air, secondary)])

        shutoff = both("primary_shutoff_pa", "secondary_shutoff_pa")
        speed = both("primary_speed", "secondary_speed")
        header = both("primary_header_pa", "secondary_header_pa")
        flow = np.stack([values(air, "primary_nm3_s"), values(air, "front_nm3_s") + values(air, "rear_nm3_s")])
        efficiency = values(air, "fan_efficiency")
        keys = [f"{line}/{fan}" for fan in FANS for line in lines]
        shape = (len(FANS), len(lines), -1)
        return cls(
            speed=state.add("air.fan_speed", keys).reshape(shape),
            bearing=state.add("air.fan_bearing", keys, fill=np.tile(ambient_k, (2, 1))).reshape(shape),
            winding=state.add("air.fan_winding", keys, fill=np.tile(ambient_k, (2, 1))).reshape(shape),
            tripped=state.add("disturbance.air_fan_tripped", keys).reshape(shape),
            shutoff_pa=shutoff,
            b=(shutoff * speed * speed - header) / (flow * flow),
            full_w=flow * header / efficiency,
            full_speed=speed,
            efficiency=efficiency,
            lags_s=np.stack([values(air, name) for name in ("fan_s", "coast_s", "bearing_s", "winding_s")])[
                :, np.newaxis
            ],
            bearing_rise_k=values(air, "bearing_rise_k"),
            winding_rise_k=values(air, "winding_rise_k"),
            vibration_m_s=values(air, "vibration_m_s"),
        )

    def turn(self, command: Floats, demand: Floats, supply: Floats, dt: float) -> Floats:
        """Advance the speeds and return the pressure without flow, Pa; ``supply`` (lines, batch) 1: bus alive."""
        start, coast, _, _ = lag_share(dt, self.lags_s)
        target = (command >= 0.5) * demand * supply * (1.0 - self.tripped)
        speed = self.speed
        speed += (target - speed) * np.where(target >= speed, start, coast)
        return self.shutoff_pa * speed * speed

    def load(self, flow: Floats, header_pa: Floats, ambient_k: Floats, dt: float) -> Floats:
        """Advance the temperatures and return the power, W."""
        _, _, bearing, winding = lag_share(dt, self.lags_s)
        power = np.maximum(flow * header_pa, 0.0) / self.efficiency
        turning = self.speed / self.full_speed
        self.bearing[...] += (ambient_k + self.bearing_rise_k * turning - self.bearing) * bearing
        self.winding[...] += (ambient_k + self.winding_rise_k * power / self.full_w - self.winding) * winding
        return power

    def running(self, command: Floats, supply: Floats) -> Floats:
        """Return the run feedback, 0 or 1."""
        return (command >= 0.5) * (supply >= 0.5) * (1.0 - self.tripped) * (self.speed >= RUNNING_SPEED)

    def vibration(self) -> Floats:
        """Return the vibration of the bearings, m/s."""
        turning = self.speed / self.full_speed
        return self.vibration_m_s * turning * turning
