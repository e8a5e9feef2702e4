"""The plan of the emission calculation: every monitor of every instance in one set of arrays."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Final

import numpy as np

from controller.core.clock import NS_PER_S
from controller.core.compiler.arrays import column, mask, rows
from controller.core.compiler.table import Table
from controller.core.compiler.zone import midnight, zone_table
from controller.core.config import Config
from controller.core.config.emission_checks import resolve, unit_of
from controller.core.emission_plan import (
    CHANNEL_FIGURES,
    MOLAR_VOLUME,
    MONITOR_FIGURES,
    REFERENCES,
    Calibration,
    EmissionPlan,
    StatePlan,
    Zone,
)
from controller.core.models.emissions import (
    CalibrationFunction,
    ChannelStart,
    EmissionChannel,
    HandOver,
    Limits,
    Monitor,
    Profile,
    Validity,
)
from controller.core.tags import Floats, RowKind
from controller.core.units import UNITS

_FACTORS: Final = {  # T, p, H2O, O2
    "cold_dry": (False, False, False, True),
    "hot_wet": (False, False, True, True),
    "in_situ": (True, True, True, True),
}
_MINUTE_S: Final = 60.0
_TENS_OF_A_DAY: Final = 144


@dataclass(frozen=True, slots=True)
class _Site:
    """One monitor of one instance."""

    instance: str
    spec: Monitor
    profile: Profile
    start: HandOver


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel of one monitor, with its limits."""

    number: int  # of the monitor
    site: _Site
    substance: str
    spec: EmissionChannel
    limits: Limits
    start: ChannelStart


def emission_plan(config: Config, table: Table) -> EmissionPlan | None:
    """Return the plan; None where nothing is monitored."""
    sites = _sites(config)
    if not sites:
        return None
    channels = _channels(sites)
    zone = zone_table(config.plant.site.timezone)

    def row(site: _Site, ref: str) -> int:
        return table.index[resolve(site.instance, ref)]

    references = [_references(site) for site in sites]
    source = [row(c.site, c.spec.raw) for c in channels]
    source += [row(site, references[n][kind]) for kind in range(len(REFERENCES)) for n, site in enumerate(sites)]
    own = [*[c.number for c in channels], *[n for _ in REFERENCES for n in range(len(sites))]]
    has_status = [*[True] * len(channels), *[kind in {"H2O", "O2"} for kind in REFERENCES for _ in sites]]
    frozen = [
        round(sites[n].spec.frozen_s / _sample_s(sites)) if has else np.inf
        for n, has in zip(own, has_status, strict=True)
    ]
    factor = np.array([_FACTORS[c.spec.gas] for c in channels]).T[:, :, np.newaxis]
    needs = factor.copy()
    needs[2, :, 0] |= [c.site.spec.o2_is_wet for c in channels]
    reference = [[len(channels) + kind * len(sites) + c.number for c in channels] for kind in range(4)]
    emission_rows, shown = _shown(config, table, sites, channels)

    def of_reference(name: str) -> Floats:
        return column(float(getattr(site.profile.reference, name)) for site in sites)

    return EmissionPlan(
        zone=zone,
        sample_ns=round(_sample_s(sites) * NS_PER_S),
        monitors=tuple(site.instance for site in sites),
        profiles=tuple(site.spec.profile for site in sites),
        channels=tuple(f"{c.site.instance}/{c.substance}" for c in channels),
        substances=tuple(c.substance for c in channels),
        signals=(
            *[f"{c.site.instance}/{c.substance}" for c in channels],
            *[f"{site.instance}/{kind}" for kind in REFERENCES for site in sites],
        ),
        channel_hashes=tuple(_hash(c.spec.raw, c.spec.gas, c.spec.molar_mass) for c in channels),
        monitor_hashes=tuple(_hash(_references(site), site.spec.state.model_dump()) for site in sites),
        channel_start_hashes=tuple(_hash(c.site.start.year, c.start) for c in channels),
        monitor_start_hashes=tuple(_hash(site.start.model_dump(exclude={"channels"})) for site in sites),
        source=rows(source),
        is_there=mask([True] * len(source)),
        has_status=mask(has_status),
        monitor=rows(own),
        lo=column(table.rows[r].lo for r in source),
        hi=column(table.rows[r].hi for r in source),
        frozen_samples=column(frozen),
        status_row=rows(row(site, site.spec.status.tag) for site in sites),
        status_code=np.array([_codes(site) for site in sites], dtype=np.float64).T[:, :, np.newaxis],
        calibrations=_calibrations(zone, channels, len(source)),
        qal_row=rows(row(c.site, c.spec.qal) if c.spec.qal else 0 for c in channels),
        has_qal=mask(c.spec.qal is not None for c in channels),
        factor=factor,
        needs=needs,
        reference=np.array(reference, dtype=np.intp),
        required=mask(c.spec.required for c in channels),
        unit=column(_unit(config, c) for c in channels),
        first=rows([c.number for c in channels].index(n) for n in range(len(sites))),
        confidence=column(_confidence(c.limits) for c in channels),
        limit_a=_limits(channels, "half_hour_a"),
        limit_b=_limits(channels, "half_hour_b"),
        limit_day=_limits(channels, "daily"),
        limit_ten=_limits(channels, "ten_minute"),
        ten_allowed=column(_ten_allowed(c) for c in channels),
        ten_share=column(c.site.profile.ten_minute_share_pct / 100.0 for c in channels),
        lost_allowed=column(_validity(c.site).lost_half_hours for c in channels),
        day_needs=column(_validity(c.site).day for c in channels),
        waste_needs=column(_validity(site).waste_minutes for site in sites),
        otnoc_counts=mask(c.site.profile.otnoc_in_daily for c in channels),
        is_o2_wet=mask(site.spec.o2_is_wet for site in sites),
        o2_reference=of_reference("o2"),
        air_o2=of_reference("air_o2"),
        kpa=of_reference("kpa"),
        k=of_reference("k"),
        upwards_only=mask(site.profile.reference.upwards_only for site in sites),
        o2_high=of_reference("o2_high"),
        sample_needs=column(_validity(sites[n]).minute_share * _MINUTE_S / _sample_s(sites) - 1e-9 for n in own),
        minute_needs=np.stack(
            [
                column(getattr(_validity(sites[n]), name) for n in own)
                for name in ("ten_minutes", "twenty_minutes", "half_hour")
            ]
        ),
        state=_state_plan(sites, row),
        start_year=rows(site.start.year for site in sites),
        start_monitor=np.array([[s.start.run_h, s.start.year_h, s.start.otnoc_h] for s in sites]).T[:, :, np.newaxis],
        start_channel=np.array([_counters(c.start) for c in channels]).T[:, :, np.newaxis],
        rows=emission_rows,
        shown=shown,
    )


def _sites(config: Config) -> list[_Site]:
    file = config.emissions
    nothing = HandOver(year=2020)
    return [
        _Site(name, monitor, file.profiles[monitor.profile], file.hand_over.get(name, nothing))
        for name, instance in config.plant.instances.items()
        if (monitor := file.monitors.get(instance.template)) is not None
    ]


def _channels(sites: list[_Site]) -> list[_Channel]:
    return [
        _Channel(
            number,
            site,
            substance,
            spec,
            site.profile.limits[substance],
            site.start.channels.get(substance, ChannelStart()),
        )
        for number, site in enumerate(sites)
        for substance, spec in site.spec.channels.items()
    ]


def _references(site: _Site) -> tuple[str, ...]:
    """Return the reference signals in the order of the plan."""
    spec = site.spec
    return spec.temperature, spec.pressure, spec.h2o, spec.o2, spec.flow


def _sample_s(sites: list[_Site]) -> float:
    return min(site.spec.sample_s for site in sites)


def _codes(site: _Site) -> tuple[int, ...]:
    status = site.spec.status
    return status.fault, status.maintenance, status.calibration, status.standby


def _validity(site: _Site) -> Validity:
    return site.profile.validity


def _unit(config: Config, channel: _Channel) -> float:
    raw = config.tags[resolve(channel.site.instance, channel.spec.raw)]
    return UNITS[unit_of(raw.spec)].factor


def _confidence(limits: Limits) -> float:
    if limits.confidence is not None:
        return limits.confidence
    return 0.0 if limits.daily is None else limits.daily * limits.confidence_pct / 100.0


def _limits(channels: list[_Channel], name: str) -> Floats:
    return column(_limit(c, getattr(c.limits, name)) for c in channels)


def _limit(channel: _Channel, limit: float | None) -> float:
    """Return what a value must be above to exceed a limit; NaN where there is none.

    Rounded to the digits of the limit, half upwards, a value is above it from half of its last digit on.
    """
    if limit is None or not channel.site.profile.round_to_limit:
        return np.nan if limit is None else limit
    decimals = Decimal(repr(float(limit))).normalize().as_tuple().exponent
    assert isinstance(decimals, int)  # noqa: S101  limits are finite
    return float(np.nextafter(limit + 0.5 * 10.0 ** min(decimals, 0), 0.0))


def _ten_allowed(channel: _Channel) -> float:
    """Return how many ten-minute means of 24 h may lie above their limit."""
    if channel.limits.ten_minute is None:
        return np.nan
    return float(np.floor((1.0 - channel.site.profile.ten_minute_share_pct / 100.0) * _TENS_OF_A_DAY + 1e-9))


def _counters(start: ChannelStart) -> list[float]:
    counts = (start.half_hours, start.above_a, start.above_b, start.days, start.days_above, start.days_lost)
    return [*map(float, counts), start.mass_t]


def _state_plan(sites: list[_Site], row: Callable[[_Site, str], int]) -> StatePlan:
    states = [site.spec.state for site in sites]
    strokes = [len(state.strokes) for state in states]
    return StatePlan(
        stroke_row=rows(row(site, ref) for site in sites for ref in site.spec.state.strokes),
        stroke_first=rows(accumulate([0, *strokes[:-1]])),
        stroke=column(state.stroke for state in states),
        stroke_of=rows(number for number, count in enumerate(strokes) for _ in range(count)),
        hold_s=column(state.waste_after_stroke_min * _MINUTE_S for state in states),
        mass_row=rows(row(site, site.spec.state.mass) if site.spec.state.mass else -1 for site in sites),
        mass_above=column(state.mass_above for state in states),
        burner_row=rows(row(site, site.spec.state.burners) for site in sites),
        temperature_row=rows(row(site, site.spec.state.temperature) for site in sites),
        off_below=column(state.off_below for state in states),
        otnoc_row=rows(row(site, ref) for site in sites for ref in site.spec.state.otnoc),
        otnoc_of=rows(number for number, state in enumerate(states) for _ in state.otnoc),
    )


def _calibrations(zone: Zone, channels: list[_Channel], signals: int) -> tuple[Calibration, ...]:
    """Return the functions of all signals for each stretch of time in which none of them changes."""
    changes = {0}
    for channel in channels:
        for function in channel.spec.calibrations:
            changes |= {midnight(zone, function.first), midnight(zone, _next(function.last))}
    return tuple(_functions(zone, channels, signals, since) for since in sorted(changes))


def _functions(zone: Zone, channels: list[_Channel], signals: int, since: int) -> Calibration:
    a, b = np.zeros((signals, 1)), np.ones((signals, 1))
    valid_to, is_expired = np.full((signals, 1), np.inf), np.zeros((signals, 1), dtype=np.bool_)
    for number, channel in enumerate(channels):
        function = _in_force(zone, channel.spec.calibrations, since)
        scale = channel.spec.molar_mass / MOLAR_VOLUME if channel.spec.molar_mass else 1.0
        a[number], b[number] = function.a * scale, function.b * scale
        valid_to[number] = function.valid_to or np.inf
        is_expired[number] = not midnight(zone, function.first) <= since < midnight(zone, _next(function.last))
    return Calibration(since, a, b, valid_to, is_expired)


def _in_force(zone: Zone, functions: Iterable[CalibrationFunction], since: int) -> CalibrationFunction:
    """Return the last function that has begun, or the first one: one that is out of date is better than none."""
    ordered = list(functions)
    begun = [function for function in ordered if midnight(zone, function.first) <= since]
    return begun[-1] if begun else ordered[0]


def _next(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=1)


def _shown(config: Config, table: Table, sites: list[_Site], channels: list[_Channel]) -> tuple[slice, "np.ndarray"]:
    """Return the rows that show figures, and which figure each shows."""
    numbers = {(c.site.instance, c.substance): n for n, c in enumerate(channels)}
    monitors = {site.instance: n for n, site in enumerate(sites)}
    found = [n for n, one in enumerate(table.rows) if one.kind is RowKind.EMISSION]
    shown: list[int] = []
    for number in found:
        tag = config.tags[table.rows[number].key]
        spec = tag.spec.emission
        assert spec is not None  # noqa: S101  only such tags are rows of this kind
        if spec.channel is not None:
            figure = CHANNEL_FIGURES.index(spec.figure)
            shown.append(figure * len(channels) + numbers[tag.instance, spec.channel])
        else:
            figure = MONITOR_FIGURES.index(spec.figure)
            shown.append(len(CHANNEL_FIGURES) * len(channels) + figure * len(sites) + monitors[tag.instance])
    first = found[0] if found else 0
    return slice(first, first + len(found)), rows(shown)


def _hash(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
