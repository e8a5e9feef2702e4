# ruff: noqa: E501  the faults are a table, one a line
"""The shipped configuration, broken in one way after the other: each mistake is found, alone, where it stands."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.config import load
from controller.core.errors import ConfigError, Issue

SHIPPED = Path(__file__).parents[2] / "plants" / "boilers"
LOAD_LIMIT_S = 1.5
ANY = ("...",)  # other issues may come with it


@dataclass(frozen=True)
class Fault:
    """``old`` (the first one after ``after``) becomes ``new``; the issue must stand in the line of ``at`` in ``new``."""

    name: str
    file: str
    after: str
    old: str
    new: str
    where: str
    text: str
    at: str = ""
    issue_file: str = ""  # when the issue stands elsewhere: in this file, in the line with ``at``
    more: tuple[str, ...] = ()  # where else the same fault is a mistake of its own

    @property
    def item(self) -> str:
        """The key of the entry that ``where`` is in: LT-1401, FV-1601.OP."""
        steps = self.where.split(".")
        return ".".join(steps[:2] if len(steps) > 1 and steps[1].isupper() else steps[:1])


DRUM, STEAM, FEED, TRIPS = "line/drum.yaml", "line/steam.yaml", "line/feedwater.yaml", "line/protection.yaml"
VALVE, CONTROL_VALVE = "patterns/valve.yaml", "patterns/control_valve.yaml"
COMMON, CTRIPS, SYSTEM, PLANT = "common/feedwater.yaml", "common/protection.yaml", "common/system.yaml", "plant.yaml"

FAULTS = [
    # --- YAML ---
    Fault("syntax", DRUM, "LT-1401:", "range: {lo: -350, hi: 350}", "range: {lo: -350, hi: 350", "YAML", "expected ','"),
    Fault("tab", DRUM, "LT-1401:", "    unit: mm", "\tunit: mm", "YAML", "cannot start any token"),
    Fault("duplicate_key", DRUM, "LT-1401:", "unit: mm", "unit: mm\n    unit: m", "LT-1401.unit", "duplicate", at="unit: m\n"),
    Fault("anchor", DRUM, "LT-1401:", "unit: mm", "unit: &u mm", "LT-1401.unit", "anchor &u is not allowed"),
    Fault("tag", DRUM, "LT-1401:", "lo: -350", "lo: !!float -350", "LT-1401.range.lo", "is not allowed"),
    Fault("yaml11_sexagesimal", DRUM, "LT-1401:", "tau_s: 1,", "tau_s: 12:30,", "LT-1401.instrument.tau_s", "'12:30'"),
    Fault("yaml11_octal", DRUM, "LT-1401:", "A: 100", "A: 0100", "LT-1401.group.channels.A", "whole number, found text '0100'"),
    Fault("yaml11_on", DRUM, "XY-1401:", "bool: true", "bool: on", "XY-1401.bool", "expected true or false, found text 'on'"),
    Fault("yaml11_no", TRIPS, "UZ-03:", "latch: true", "latch: yes", "UZ-03.latch", "expected true or false, found text 'yes'"),
    Fault("nan", DRUM, "LT-1401:", "hi: 350", "hi: .nan", "LT-1401.range.hi", "finite number"),
    Fault("infinity", FEED, "FIC-1601:", "kp: 0.5", "kp: .inf", "FIC-1601.tuning.kp", "finite number"),
    Fault("unquoted_comma", DRUM, "LT-1401:", "en: Drum level,", "en: Drum level, left,", "LT-1401.title.left", "quotes"),
    # --- one entry ---
    Fault("unknown_key", DRUM, "LT-1401:", "channels:", "channls:", "LT-1401.group.channls", "did you mean channels?"),
    Fault("unknown_part", DRUM, "", "loops:", "lops:", "lops", "did you mean loops?"),
    Fault("string_for_number", FEED, "FIC-1601:", "ti_s: 3", "ti_s: 3s", "FIC-1601.tuning.ti_s", "expected a number, found text '3s'"),
    Fault("negative_gain", FEED, "FIC-1601:", "kp: 0.5", "kp: -0.5", "FIC-1601.tuning.kp", "must be > 0.0, found -0.5"),
    Fault("bad_choice", FEED, "FIC-1601:", "action: reverse", "action: revers", "FIC-1601.action", "did you mean reverse?"),
    Fault("bad_kind", DRUM, "XY-1402:", "kind: not", "kind: nott", "XY-1402.derived", "did you mean not?"),
    Fault("bad_vote", TRIPS, "UZ-03:", "vote: 2oo3", "vote: 2of3", "UZ-03.votes.a.vote", "does not have the form"),
    Fault("missing_range", FEED, "PDT-1602:", "    range: {lo: 0, hi: 4}\n", "", "PDT-1602", "needs a range", at="PDT-1602:", issue_file=FEED),
    Fault("no_safe_value", COMMON, "SC-3010:", "      safe: hold\n", "", "SC-3010.output.safe", "missing key", at="    output:", issue_file=COMMON),
    Fault("missing_column", TRIPS, "UZ-04:", "    on_unknown: trip\n", "", "UZ-04.on_unknown", "missing key", at="  UZ-04:", issue_file=TRIPS),
    Fault("two_sources", FEED, "PDT-1602:", "    instrument:", "    derived: {kind: not, of: XY-1401}\n    instrument:", "PDT-1602", "exactly one of", at="  PDT-1602:", issue_file=FEED),
    Fault("bad_tag_name", FEED, "", "  TT-1605:", "  tt_1605:", "tt_1605", "capital letters"),
    # --- tags ---
    Fault("unknown_unit", FEED, "PDT-1602:", "unit: MPa", "unit: Mpa", "PDT-1602.unit", "did you mean MPa"),
    Fault("empty_range", FEED, "PDT-1602:", "{lo: 0, hi: 4}", "{lo: 4, hi: 0}", "PDT-1602.range", "lo 4 must be below hi 0"),
    Fault("limits_out_of_order", DRUM, "PT-1403:", "limit: 7.75", "limit: 7.45", "PT-1403.alarms.hihi.limit", "hi 7.5 must be below hihi 7.45"),
    Fault("limit_outside_range", DRUM, "PT-1403:", "limit: 7.75", "limit: 77.5", "PT-1403.alarms.hihi.limit", "outside of the range 0..10 MPa(g)"),
    Fault("alarm_without_limit", DRUM, "PT-1403:", "        limit: 7.75\n", "", "PT-1403.alarms.hihi.limit", "missing key", at="      hihi:", issue_file=DRUM),
    Fault("limit_alarm_on_bool", SYSTEM, "SYS-OPEN:", "      active:", "      hi:", "SYS-OPEN.alarms.hi", "a bool tag has the alarms active and bad"),
    Fault("unknown_area", FEED, "", "  TT-1605:", "  TT-5605:", "TT-5605", "area 56 is not in plant.yaml"),
    Fault("duplicate_tag", STEAM, "", "  JT-1300:", "  TT-1604:", "TT-1604", "exists already as one of the tags at line/feedwater.yaml:"),
    Fault("channel_is_a_tag", DRUM, "", "  LT-1402A:", "  LT-1401A:", "LT-1401A", "exists already as one of the tags at line/drum.yaml:4"),
    Fault("loop_named_as_tag", COMMON, "loops:", "  PDIC-3004:", "  PT-3004:", "PT-3004", "exists already as one of the tags"),
    Fault("tag_under_a_loop", FEED, "", "  TT-1605:", "  FIC-1601.SP:", "FIC-1601.SP", "is a loop; what is under it"),
    Fault("tag_named_as_an_alarm", FEED, "", "  TT-1605:", "  PDT-1602.LO:", "PDT-1602.LO", "is the name of the alarm lo of PDT-1602 already"),
    Fault("overlapping_registers", STEAM, "FV-1541:", "input: 129", "input: 131", "FV-1541.address.input", "input register 131 is used by JT-1300"),
    Fault("register_twice", DRUM, "FT-1408:", "address: 111", "address: 110", "FT-1408.input.address", "input register 110 is used by FT-1405 (line/drum.yaml:"),
    Fault("register_of_supervision", STEAM, "FV-1541:", "holding: 102", "holding: 2", "FV-1541.address.holding", "supervision of the device (watchdog_ms)"),
    Fault("register_too_high", DRUM, "FT-1408:", "address: 111", "address: 65536", "FT-1408.input.address", "must be <= 65535"),
    Fault("register_past_the_end", "line/system.yaml", "XS-4103:", "address: 134", "address: 65535", "XS-4103.input.address", "outside of 0..65535 with its 2 registers"),
    Fault("form_of_a_bool", SYSTEM, "SYS-SIMULATED:", ", form: bool", "", "SYS-SIMULATED.input.form", "form raw does not fit a bool tag", at="    input:", issue_file=SYSTEM),
    Fault("safe_value_outside", STEAM, "FV-1541:", "safe: 100", "safe: 110", "FV-1541.with.safe", "outside of the range 0..100 %"),
    Fault("instrument_on_output", COMMON, "SC-3010:", "    actuator: {drives: pumps.speed, stroke_s: 20}", "    instrument: {of: pumps.speed}", "SC-3010.instrument", "this tag has none"),
    Fault("actuator_on_input", FEED, "TT-1604:", "    instrument: {of: feedwater.temperature, tau_s: 10, noise: 0.3}", "    actuator: {drives: feedwater.valve}", "TT-1604.actuator", "this tag has none"),
    Fault("unknown_device", FEED, "PDT-1602:", "device: line", "device: lime", "PDT-1602.input.device", "did you mean line?"),
    # --- derived tags ---
    Fault("unknown_reference", DRUM, "TDY-1404:", "TT-1404, TT-1405", "TT-1404, TT-14O5", "TDY-1404.derived.of[2]", "did you mean TT-1405?"),
    Fault("unknown_template", COMMON, "PDY-3005:", "line/PDT-1602", "lines/PDT-1602", "PDY-3005.derived.of[1]", "did you mean line?"),
    Fault("several_for_one", COMMON, "PDIC-3004:", "pv: PDY-3005", "pv: line/PDT-1602", "PDIC-3004.pv", "one is expected here"),
    Fault("unit_mismatch", COMMON, "PY-3004:", "of: [line/PT-1403]", "of: [line/TT-1404]", "PY-3004.derived.of", "is in °C, this tag in MPa(g)"),
    Fault("sum_of_units", FEED, "PDY-1603:", "of: [PT-1603, PT-1403]", "of: [PT-1603, TT-1604]", "PDY-1603.derived.of", "TT-1604 is in °C"),
    Fault("gains_missing", FEED, "PDY-1603:", "gains: [1, -1]", "gains: [1]", "PDY-1603.derived.gains", "1 gains for 2 inputs"),
    Fault("above_on_bool", STEAM, "XY-1501:", "of: FY-1502,", "of: XC-1300,", "XY-1501.derived.of", "XC-1300 is a bool tag"),
    Fault("any_of_numbers", DRUM, "XY-1401:", "of: [XY-1501, XC-1300]", "of: [FT-1501, XC-1300]", "XY-1401.derived.of", "FT-1501 is no bool tag"),
    Fault("cycle", FEED, "FY-1602:", "of: FT-1601", "of: FY-1601", "FY-1601.derived", "FY-1601 -> FY-1602 -> FY-1601", at="    derived: {kind: sum, of: [FY-1602", issue_file=FEED),
    # --- loops ---
    Fault("unknown_output", FEED, "FIC-1601:", "output: FV-1601.OP", "output: FV-1601.PO", "FIC-1601.output", "did you mean FV-1601.OP?"),
    Fault("loop_moves_an_input", FEED, "FIC-1601:", "output: FV-1601.OP", "output: FV-1601.ZT", "FIC-1601.output", "is no output"),
    Fault("two_owners", COMMON, "loops:", "  PDIC-3004:", "  PIC-3004:\n    title: {en: Twin, ru: Двойник}\n    pv: PT-3004\n    output: SC-3010\n    action: reverse\n    tuning: {kp: 1, ti_s: 5}\n    sp: {default: 9, lo: 0, hi: 16}\n    permitted: [MAN, AUTO]\n    normal: AUTO\n  PDIC-3004:", "PDIC-3004.output", "belongs to loop PIC-3004", at="    output: SC-3010\n    action: reverse\n    tuning: {kp: 0.56", issue_file=COMMON),
    Fault("no_cascade_permitted", FEED, "FIC-1601:", "permitted: [OOS, LO, MAN, AUTO, CAS]\n    normal: CAS\n    start: CAS", "permitted: [OOS, LO, MAN, AUTO]\n    normal: AUTO\n    start: MAN", "LIC-1401.output", "FIC-1601 does not permit CAS", at="    output: FIC-1601", issue_file=DRUM),
    Fault("own_master", FEED, "FIC-1601:", "output: FV-1601.OP", "output: LIC-1401", "FIC-1601.output", "FIC-1601 -> LIC-1401 -> FIC-1601", more=("FIC-1601.output", "FIC-1601.rate")),
    Fault("sp_outside_pv", DRUM, "LIC-1401:", "lo: -100, hi: 100", "lo: -1000, hi: 100", "LIC-1401.sp.lo", "-1000 lies outside of LT-1401's range -350..350 mm"),
    Fault("sp_default_outside", COMMON, "PDIC-3004:", "default: 0.8", "default: 8.0", "PDIC-3004.sp.default", "8 lies outside"),
    Fault("op_limits", COMMON, "PDIC-3004:", "{lo: 30, hi: 100,", "{lo: 30, hi: 20,", "PDIC-3004.op", "lo < hi"),
    Fault("normal_not_permitted", COMMON, "PDIC-3004:", "normal: AUTO", "normal: CAS", "PDIC-3004.normal", "CAS is not in permitted"),
    # --- protection ---
    Fault("trip_without_row", FEED, "PDT-1602:", "    instrument:", "    trip: {below: [0.1]}\n    instrument:", "PDT-1602.trip.below", "no protection row acts at below 0.1"),
    Fault("row_without_trip", TRIPS, "UZ-13:", "above: 7.20", "above: 7.25", "UZ-13.votes.a.above", "does not list this limit under trip (above: [7.25]); it has 7.2", more=("PT-1502.trip.above",)),
    Fault("unknown_without_why", CTRIPS, "UZ-12:", "    why: A hiccup of one PLC link must not trip both boilers; 30 s without any run signal do.\n", "", "UZ-12.on_unknown", "say why", at="    on_unknown: excluded", issue_file=CTRIPS),
    Fault("latch_without_reset", TRIPS, "UZ-13:", "reset_by: operator", "reset_by: null", "UZ-13.reset_by", "a latched row needs it"),
    Fault("no_actions", TRIPS, "UZ-13:", "actions: [A2, A11]", "actions: []", "UZ-13.actions", "without actions protects nothing"),
    Fault("unknown_action", CTRIPS, "UZ-45:", "line/A11", "line/A111", "UZ-45.actions[2]", "unknown action line/A111 (did you mean A11?)"),
    Fault("wrong_channel_count", TRIPS, "UZ-13:", "[PT-1502A, PT-1502B, PT-1502C]", "[PT-1502A, PT-1502B]", "UZ-13.votes.a.of", "2oo3 is of 3 channels, of lists 2"),
    Fault("vote_never_true", TRIPS, "UZ-45:", "vote: 1oo1, of: [XS-4101]", "vote: 2ooN, of: [XS-4101]", "UZ-45.votes.a.vote", "can never be true with 1 channels"),
    Fault("limit_on_bool", TRIPS, "UZ-45:", "is_true: true, delay_s", "above: 0.5, delay_s", "UZ-45.votes.a.above", "XS-4101 is a bool tag; use is_true or is_false", more=("XS-4101.trip.is_true",)),
    Fault("reset_while_tripped", TRIPS, "UZ-13:", "below: 6.6", "below: 7.3", "UZ-13.reset_when.below", "holds while vote a (above 7.2) is still true"),
    Fault("armed_by_a_number", TRIPS, "UZ-03:", "armed_when: XY-1401", "armed_when: FT-1501", "UZ-03.armed_when", "FT-1501 is no bool tag"),
    Fault("row_number", TRIPS, "UZ-13:", "number: 13", "number: 31", "UZ-13.number", "31 is not the number in the name UZ-13"),
    Fault("force_unknown_output", TRIPS, "A11:", "FV-1541.OP: 30", "FV-1541.OB: 30", "A11.force.FV-1541.OB", "did you mean FV-1541.OP?"),
    Fault("force_outside_range", TRIPS, "A11:", "FV-1541.OP: 30", "FV-1541.OP: 300", "A11.force.FV-1541.OP", "300 lies outside of FV-1541.OP's range 0..100 %"),
    Fault("force_an_input", TRIPS, "A11:", "FV-1541.OP: 30", "FV-1541.ZT: 30", "A11.force.FV-1541.ZT", "is no output"),
    Fault("rival_actions", TRIPS, "A11:", "{FV-1541.OP: 30}", "{FV-1541.OP: 30, XC-1300: 1}", "A11.force.XC-1300", "both with priority 5"),
    # --- plant.yaml and the simulator's parameters ---
    Fault("unknown_template_folder", PLANT, "L2:", "template: line", "template: lnie", "instances.L2.template", "did you mean line?"),
    Fault("device_not_there", PLANT, "C0:", "{common: C0}", "{common: CO}", "instances.C0.devices.common", "unknown device CO (did you mean C0?)"),
    Fault("same_endpoint", PLANT, "devices:\n", "port: 5021", "port: 5020", "devices.L2.port", "is device L1 already"),
    Fault("time_zone", PLANT, "site:", "Asia/Almaty", "Asia/Alma-Ata", "site.timezone", "unknown time zone"),
    Fault("plant_key", PLANT, "", "period_ms: 100", "perod_ms: 100", "perod_ms", "did you mean period_ms?"),
    Fault("parameter_text", "line/simulator.yaml", "drum:", "volume_m3: 28.4", "volume_m3: much", "drum.volume_m3", "expected a number, found text 'much'"),
    # --- the same checks from their other sides ---
    Fault("section_is_a_list", SYSTEM, "", "tags:\n", "tags: [1]\nold:\n", "tags", "expected entries of the form key: value, found a list", more=("old",)),
    Fault("file_is_a_list", TRIPS, "", "actions:\n", "- 1\n- 2\n---\nactions:\n", "file", "a second document begins here", at="---"),
    Fault("group_of_an_output", COMMON, "SC-3010:", "    actuator:", "    group: {channels: {A: 7}, select: median}\n    actuator:", "SC-3010.group", "a group is of inputs"),
    Fault("address_beside_group", DRUM, "PT-1403:", "{device: line}", "{device: line, address: 9}", "PT-1403.input.address", "stands with the channels"),
    Fault("channel_name", DRUM, "PT-1403:", "C: 107", "c: 107", "PT-1403.group.channels.c", "one capital letter"),
    Fault("channel_register_twice", DRUM, "PT-1403:", "C: 107", "C: 106", "PT-1403.group.channels.C", "is used by PT-1403B"),
    Fault("group_of_unknown_unit", DRUM, "LT-1401:", "unit: mm", "unit: mmm", "LT-1401.unit", "did you mean mm?"),
    Fault("derived_bool_wanted", STEAM, "FY-1502:", "kind: lag", "kind: not", "FY-1502.derived.tau_s", "unknown key"),
    Fault("above_gives_bool", DRUM, "TDY-1404:", "{kind: sum, of: [TT-1404, TT-1405], gains: [1, -1]}", "{kind: above, of: TT-1404, limit: 40}", "TDY-1404.derived.kind", "write bool: true"),
    Fault("derived_of_nothing", COMMON, "PDY-3005:", "of: [line/PDT-1602]", "of: []", "PDY-3005.derived.of", "is empty"),
    Fault("above_limit_outside", STEAM, "XY-1501:", "limit: 5.64", "limit: 564", "XY-1501.derived.limit", "564 lies outside of FY-1502's range 0..150 t/h"),
    Fault("spread_in_wrong_unit", DRUM, "TDY-1404:", "unit: K\n    range: {lo: -100, hi: 100}\n    derived: {kind: sum, of: [TT-1404, TT-1405], gains: [1, -1]}", "unit: °C\n    range: {lo: -100, hi: 100}\n    derived: {kind: spread, of: [TT-1404, TT-1405]}", "TDY-1404.derived.of", "TT-1404 is in °C, so the spread is in K, not °C", at="    derived:", more=("TDY-1404.derived.of",)),
    Fault("derived_without_kind", STEAM, "FY-1502:", "kind: lag, ", "", "FY-1502.derived", "missing key kind"),
    Fault("loop_on_a_bool", COMMON, "PDIC-3004:", "pv: PDY-3005", "pv: XY-3010", "PDIC-3004.pv", "a loop needs a number"),
    Fault("sp_limits_swapped", COMMON, "PDIC-3004:", "lo: 0.3, hi: 2.0", "lo: 2.0, hi: 0.3", "PDIC-3004.sp", "lo 2 must be below hi 0.3"),
    Fault("feedforward_of_a_bool", DRUM, "LIC-1401:", "of: FY-1502", "of: XY-1501", "LIC-1401.feedforward.of", "XY-1501 is a bool tag"),
    Fault("slave_slower", DRUM, "LIC-1401:", "rate: 5", "rate: 1", "LIC-1401.rate", "FIC-1601 runs every 2 scans, slower than its master (1)"),
    Fault("cascade_of_nobody", COMMON, "PDIC-3004:", "[OOS, LO, MAN, AUTO]", "[OOS, LO, MAN, AUTO, CAS]", "PDIC-3004.permitted", "no loop has this one as its output"),
    Fault("no_such_other_instance", COMMON, "PDY-3004:", "PT-3004, PY-3004", "C9/PT-3004, PY-3004", "PDY-3004.derived.of[1]", "unknown template or instance C9; known: C0, L1, L2, common, line"),
    Fault("device_not_mapped", PLANT, "L2:", "{line: L2}", "{lime: L2}", "instances.L2.devices", "needs a device called line"),
    Fault("short_watchdog", PLANT, "", "period_ms: 100", "period_ms: 500", "watchdog_s", "2 s is less than 5 scans of 500 ms", at="watchdog_s"),
    Fault("instance_name", PLANT, "instances:", "  L2:", "  l2:", "instances.l2", "capital letters"),
    Fault("device_of_nobody", PLANT, "L2:", "{line: L2}", "{line: L1}", "devices.L2", "no instance uses this device", at="  L2:\n    title: {en: PLC", issue_file=PLANT, more=ANY),
    Fault("supervision_twice", PLANT, "devices:\n", "planned_stop: 1", "planned_stop: 0", "devices.L1.supervision.planned_stop", "holding register 0 is used by the supervision"),
    Fault("forces_nothing", TRIPS, "A11:", "{FV-1541.OP: 30}", "{}", "A11.force", "forces nothing"),
    Fault("force_a_bool_half", TRIPS, "A2:", "XC-1300: 0", "XC-1300: 0.5", "A2.force.XC-1300", "is a bool, 0 or 1; found 0.5"),
    Fault("no_votes", CTRIPS, "UZ-12:", "votes:\n      a: {vote: 3oo3, of: [P-3010A.RUN, P-3010B.RUN, P-3010C.RUN], is_false: true, delay_s: 5}", "votes: {}", "UZ-12.votes", "without votes protects nothing", more=("P-3010A.RUN.trip.is_false", "P-3010B.RUN.trip.is_false", "P-3010C.RUN.trip.is_false")),
    Fault("reset_without_latch", TRIPS, "UZ-13:", "latch: true\n    reset_when: {tag: PT-1502, below: 6.6}", "latch: false\n    reset_when: null", "UZ-13.reset_by", "follows its cause", at="    reset_by", issue_file=TRIPS),
    Fault("two_limits_of_a_reset", TRIPS, "UZ-13:", "below: 6.6}", "below: 6.6, above: 1}", "UZ-13.reset_when", "needs exactly one of above, below"),
    Fault("reset_outside", TRIPS, "UZ-13:", "below: 6.6", "below: -6.6", "UZ-13.reset_when.below", "-6.6 lies outside of PT-1502's range"),
    Fault("channel_twice", TRIPS, "UZ-13:", "[PT-1502A, PT-1502B, PT-1502C]", "[PT-1502A, PT-1502B, PT-1502B]", "UZ-13.votes.a.of", "names a channel twice"),
    Fault("bypass_leaves_none", TRIPS, "UZ-45:", "channel_bypass: 0", "channel_bypass: 1", "UZ-45.channel_bypass", "vote a has 1 channel(s); bypassing 1 leaves none", more=("UZ-45.channel_bypass",)),
    Fault("channels_of_two_kinds", TRIPS, "UZ-13:", "[PT-1502A, PT-1502B, PT-1502C]", "[PT-1502A, PT-1502B, TT-1605]", "UZ-13.votes.a.of", "different units: MPa(g), °C", more=("UZ-13.votes.a.above",)),
    Fault("bool_with_range", DRUM, "XY-1402:", "    bool: true", "    bool: true\n    range: {lo: 0, hi: 1}", "XY-1402.range", "a bool tag has no range", at="    range"),
    Fault("bool_with_unit", DRUM, "XY-1402:", "    bool: true", "    bool: true\n    unit: mm", "XY-1402.unit", "a bool tag has no unit", at="    unit"),
    Fault("third_state_of_a_bool", DRUM, "XY-1402:", "      1:", "      2:", "XY-1402.states.2", "has the states 0 and 1, found 2"),
    Fault("unless_a_number", DRUM, "PT-1403:", "unless: XY-1402", "unless: FT-1501", "PT-1403.alarms.lo.unless", "FT-1501 is no bool tag"),
    Fault("unless_unknown", DRUM, "PT-1403:", "unless: XY-1402", "unless: XY-1420", "PT-1403.alarms.lo.unless", "unknown tag XY-1420"),
    Fault("limit_of_active", SYSTEM, "SYS-OPEN:", "        priority: low", "        limit: 1\n        priority: low", "SYS-OPEN.alarms.active.limit", "has no limit; delete it"),
    Fault("active_on_a_number", SYSTEM, "SYS-SCAN-MS:", "      hi:\n        limit: 50", "      active:", "SYS-SCAN-MS.alarms.active", "is for bool tags"),
    Fault("deadband_too_wide", DRUM, "PT-1403:", "deadband: 0.04", "deadband: 10", "PT-1403.alarms.hihi.deadband", "10 is the whole range or more"),
    Fault("trip_above_on_bool", SYSTEM, "XS-4101:", "trip: {is_true: true}", "trip: {is_true: true, above: [1]}", "XS-4101.trip.above", "trips by is_true or is_false", more=ANY),
    Fault("trip_outside_range", SYSTEM, "XS-4102:", "above: [2.0]", "above: [2.0, 200]", "XS-4102.trip.above[2]", "200 lies outside of the range 0..60 s", more=("XS-4102.trip.above",)),
    Fault("trip_true_on_number", SYSTEM, "XS-4102:", "above: [2.0]", "above: [2.0], is_true: true", "XS-4102.trip.is_true", "only a bool tag trips so", more=ANY),
    Fault("trip_of_nothing", FEED, "PDT-1602:", "    instrument:", "    trip: {}\n    instrument:", "PDT-1602.trip", "names no limit"),
    Fault("no_trip_at_the_tag", STEAM, "PT-1502:", "    trip: {above: [7.20]}\n", "", "UZ-13.votes.a.above", "PT-1502 (line/steam.yaml:71) does not list", at="      a: {vote: 2oo3, of: [PT-1502A", issue_file=TRIPS),
    Fault("poll_of_no_device", SYSTEM, "SYS-POLL-MS:", ", device: common", "", "SYS-POLL-MS.system.device", "missing key"),
    Fault("scan_of_a_device", SYSTEM, "SYS-SCAN-MS:", "figure: scan_ms", "figure: scan_ms, device: common", "SYS-SCAN-MS.system.device", "is not of one device"),
    Fault("input_without_address", FEED, "PDT-1602:", ", address: 124", "", "PDT-1602.input.address", "missing key", at="    input:", issue_file=FEED),
    Fault("bit_table_for_a_word", FEED, "PDT-1602:", "address: 124", "address: 124, table: coil", "PDT-1602.input.table", "bits are in discrete and coil"),
    Fault("output_form", COMMON, "SC-3010:", "address: 100", "address: 100\n      form: bool", "SC-3010.output.form", "form bool does not fit an analogue tag", at="      form"),
    Fault("nothing_for_a_number", FEED, "FIC-1601:", "ti_s: 3", "ti_s: ~", "FIC-1601.tuning.ti_s", "expected a number, found nothing"),
    Fault("bool_for_a_number", FEED, "FIC-1601:", "ti_s: 3", "ti_s: true", "FIC-1601.tuning.ti_s", "expected a number, found true"),
    Fault("mapping_for_a_number", FEED, "FIC-1601:", "ti_s: 3", "ti_s: {s: 3}", "FIC-1601.tuning.ti_s", "found entries of the form key: value"),
    Fault("word_for_hold", COMMON, "SC-3010:", "safe: hold", "safe: holt", "SC-3010.output.safe", "expected a number or 'hold', found text 'holt' (did you mean hold?)"),
    Fault("two_limits_of_a_vote", TRIPS, "UZ-13:", "above: 7.20,", "above: 7.20, below: 1,", "UZ-13.votes.a", "needs exactly one of above, below"),
    Fault("empty_text", STEAM, "FY-1502:", "en: Steam flow for feed-forward", 'en: ""', "FY-1502.title.en", "at least 1 character"),
    Fault("number_for_a_text", STEAM, "FY-1502:", "en: Steam flow for feed-forward", "en: 7", "FY-1502.title.en", "expected text, found 7"),
    Fault("group_of_bools", COMMON, "P-3010A.RUN:", "{device: common, address: 0, form: bool}", "{device: common, form: bool}\n    group: {channels: {A: 0}, select: median}", "P-3010A.RUN.group", "bool tags cannot be averaged", at="    group", more=ANY),
    Fault("instance_named_as_template", PLANT, "instances:", "template: line", "template: L1", "instances.L1.template", "no folder L1"),
    Fault("plant_syntax", PLANT, "", "name: boilers", "name: [boilers", "YAML", "expected ',' or ']'"),
    Fault("unknown_key_of_a_union", DRUM, "TDY-1404:", "rate: 5", "output: {device: line, address: 9, safe: hold, fail: {positon: 0}}", "TDY-1404.output.fail.positon", "did you mean position?"),
    Fault("tag_is_a_channel", DRUM, "", "  LT-1402A:", "  FT-1601A:", "FT-1601", "FT-1601A exists already as one of the tags at line/drum.yaml:", at="  FT-1601:", issue_file=FEED, more=ANY),
    Fault("text_in_a_list", STEAM, "PT-1502:", "above: [7.20]", "above: [7.20, high]", "PT-1502.trip.above[2]", "expected a number, found text 'high'"),
    Fault("merge_key", STEAM, "FY-1502:", "    unit: t/h", "    <<: {unit: t/h}", "FY-1502.<<", "merge keys are not allowed", more=ANY),
    Fault("key_with_an_anchor", STEAM, "FY-1502:", "    unit:", "    &u unit:", "FY-1502", "not allowed on a key"),
    # --- equipment and its patterns ---
    Fault("unknown_pattern", STEAM, "XV-1540:", "pattern: valve", "pattern: valv", "XV-1540.pattern", "no file valv.yaml in patterns (did you mean valve?)"),
    Fault("unknown_parameter", STEAM, "XV-1540:", "stroke_s: 60", "stroke: 60", "XV-1540.with.stroke", "the pattern valve has no parameter stroke (did you mean stroke_s?)", more=("XV-1540.with.stroke_s",)),
    Fault("parameter_missing", STEAM, "XV-1540:", ", stroke_s: 60", "", "XV-1540.with.stroke_s", "missing key: time for the whole way", at="    with:", issue_file=STEAM),
    Fault("parameter_of_a_wrong_kind", STEAM, "XV-1540:", "stroke_s: 60", "stroke_s: 60s", "XV-1540.with.stroke_s", "expected a number, found text '60s'"),
    Fault("parameter_out_of_bounds", STEAM, "XV-1540:", "stroke_s: 60", "stroke_s: -60", "XV-1540.with.stroke_s", "must be >= 0.0, found -60"),
    Fault("mistake_inside_a_parameter", STEAM, "XV-1540:", "position: hold", "positon: hold", "XV-1540.with.fail.positon", "did you mean position?"),
    Fault("limit_inside_a_parameter", FEED, "FV-1601:", "limit: 92", "limit: 920", "FV-1601.with.alarms.hi.limit", "920 lies outside of the range 0..100 %"),
    Fault("no_register_for_a_table", STEAM, "XV-1540:", "{coil: 1, discrete: 0}", "{coil: 1}", "XV-1540.address.discrete", "missing key: the pattern valve has registers there"),
    Fault("register_for_no_table", STEAM, "XV-1540:", "{coil: 1, discrete: 0}", "{coil: 1, discrete: 0, input: 7}", "XV-1540.address.input", "the pattern valve has no input registers; delete it"),
    Fault("unknown_table", STEAM, "XV-1540:", "{coil: 1, discrete: 0}", "{coils: 1, discrete: 0}", "XV-1540.address.coils", "did you mean coil?"),
    Fault("register_of_a_device_twice", STEAM, "XV-1540:", "coil: 1", "coil: 0", "XV-1540.address.coil", "coil register 0 is used by XC-1300 (line/steam.yaml:"),
    Fault("device_past_the_end", STEAM, "XV-1540:", "discrete: 0", "discrete: 65535", "XV-1540.address.discrete", "must be <= 65535, found 65536"),
    Fault("unknown_device_of_equipment", STEAM, "XV-1540:", "device: line", "device: lime", "XV-1540.device", "unknown device lime (did you mean line?)"),
    Fault("equipment_with_a_point", STEAM, "", "  XV-1540:", "  XV-1540.OPN:", "XV-1540.OPN", "equipment has no point in its key", more=ANY),
    Fault("equipment_of_unknown_area", STEAM, "equipment:", "  FV-1541:", "  FV-5541:", "FV-5541.OP", "area 55 is not in plant.yaml", more=ANY),
    Fault("equipment_twice", FEED, "equipment:", "  FV-1602:", "  FV-1541:", "FV-1541", "FV-1541 exists already as one of the equipment at line/feedwater.yaml", at="  FV-1541:", issue_file=STEAM, more=ANY),
    Fault("equipment_tag_exists", DRUM, "", "  TDY-1404:", "  FV-1601.ZT:", "FV-1601.ZT", "FV-1601.ZT exists already as one of the tags at line/drum.yaml:", at="  FV-1601:", issue_file=FEED),
    Fault("equipment_under_a_loop", DRUM, "loops:", "  LIC-1401:", "  FV-1601:", "FV-1601.OP", "FV-1601 is a loop; what is under it is made", at="  FV-1601:", issue_file=FEED, more=ANY),
    Fault("equipment_key", STEAM, "XV-1540:", "    device: line", "    devise: line", "XV-1540.devise", "did you mean device?"),
    Fault("pattern_syntax", VALVE, "", "{drives: $drives", "{drives: $drives]", "YAML", "expected ',' or '}'"),
    Fault("pattern_key", VALVE, "", "parameters:", "parameter:", "parameter", "did you mean parameters?", more=ANY),
    Fault("pattern_of_nothing", VALVE, "  .ZSC:", "    title: {en: is closed, ru: закрыто}\n", "    title: closed\n", "$.ZSC.title", "found text 'closed'"),
    Fault("pattern_unknown_key", VALVE, ".OPN:", "safe: $safe", "save: $safe", "$.OPN.output.save", "did you mean safe?"),
    Fault("pattern_tag_incomplete", VALVE, ".ZSO:", "    input: {address: 0, form: bool}\n    instrument", "    instrument", "$.ZSO", "needs exactly one of", at="  .ZSO:", issue_file=VALVE),
    Fault("pattern_unknown_parameter", VALVE, ".OPN:", "safe: $safe", "safe: $save", "$.OPN.output.safe", "unknown parameter save (did you mean safe?)", more=("parameters.safe",)),
    Fault("pattern_unused_parameter", VALVE, ".OPN:", "safe: $safe", "safe: 0", "parameters.safe", "no tag uses this parameter", at="  safe:", issue_file=VALVE),
    Fault("pattern_wrong_default", VALVE, "", "default: hold", "default: holt", "parameters.safe.default", "expected a number or 'hold', found text 'holt'"),
    Fault("pattern_bad_member", VALVE, "", "  .ZSC:", "  .zsc:", "tags..zsc", "does not have the form"),
    Fault("pattern_without_address", VALVE, ".OPN:", "{address: 0, form", "{form", "$.OPN.output.address", "missing key"),
    Fault("pattern_input_without_address", VALVE, ".ZSO:", "{address: 0, form", "{form", "$.ZSO.input.address", "missing key"),
    Fault("pattern_wrong_table", VALVE, ".ZSO:", "{address: 0, form: bool}", "{address: 0, form: bool, table: coils}", "$.ZSO.input.table", "did you mean coil?"),
    Fault("pattern_group", CONTROL_VALVE, ".ZT:", "    alarms:", "    group: {channels: {A: 0}, select: median}\n    alarms:", "$.ZT.group", "a pattern has no groups"),
    Fault("pattern_unit", CONTROL_VALVE, ".ZT:", 'unit: "%"', "unit: pct", "$.ZT.unit", "unknown unit pct"),
    Fault("pattern_reference", CONTROL_VALVE, ".ZT:", "    alarms: $alarms", "    alarms: $alarms\n  .FLT:\n    bool: true\n    derived: {kind: not, of: $.FALT}", "$.FLT.derived.of", "unknown tag $.FALT (did you mean $.FLT?)", at="    derived"),
    Fault("pattern_of_no_device", STEAM, "XV-1540:", "pattern: valve\n    title: {en: Main steam stop valve, ru: Главная паровая задвижка}\n    device: line\n    address: {coil: 1, discrete: 0}\n    with: {", "pattern: control_valve\n    title: {en: Main steam stop valve, ru: Главная паровая задвижка}\n    device: line\n    address: {holding: 140, input: 140}\n    with: {", "file", "no equipment uses this pattern", at="# yaml", issue_file=VALVE, more=ANY),
    Fault("hold_that_moves", COMMON, "SC-3010:", "{position: hold}", "{position: hold, hold_s: 5}", "SC-3010.output.fail", "position hold never moves"),
    Fault("gap_too_wide", PLANT, "devices:\n", "    port: 5020", "    port: 5020\n    max_gap: 200", "devices.L1.max_gap", "must be <= 123, found 200", at="    max_gap"),
]  # fmt: skip


def break_shipped(folder: Path, fault: Fault) -> tuple[str, int]:
    """Copy the shipped plant with one fault; return the file and line where it should be reported."""
    shutil.copytree(SHIPPED, folder)
    file = folder / fault.file
    text = file.read_text(encoding="utf-8")
    start = text.index(fault.old, text.index(fault.after))
    broken = text[:start] + fault.new + text[start + len(fault.old) :]
    file.write_text(broken, encoding="utf-8")
    if not fault.issue_file:
        return fault.file, broken.count("\n", 0, broken.index(fault.at, start)) + 1
    other = (folder / fault.issue_file).read_text(encoding="utf-8")
    return fault.issue_file, other.count("\n", 0, other.index(fault.at, max(0, other.find(f"  {fault.item}:")))) + 1


def issues_of(folder: Path) -> tuple[Issue, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return caught.value.issues


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_is_reported_once_in_its_line(fault: Fault, tmp_path: Path) -> None:
    file, line = break_shipped(tmp_path / "plant", fault)
    issues = issues_of(tmp_path / "plant")
    found = [issue for issue in issues if issue.where == fault.where and fault.text in issue.text]
    assert [(issue.file, issue.line) for issue in found] == [(file, line)], "\n".join(map(str, issues))
    if fault.more != ANY:
        assert [issue.where for issue in issues if issue not in found] == [*fault.more], "\n".join(map(str, issues))


def test_the_shipped_plant_loads_clean_and_fast() -> None:
    start = time.perf_counter()
    config = load(SHIPPED)
    assert time.perf_counter() - start < LOAD_LIMIT_S
    assert set(config.process) == {"L1", "L2", "C0"}


def test_all_faults_of_all_files_are_reported_together(tmp_path: Path) -> None:
    chosen = [fault for fault in FAULTS if fault.name in {"unknown_unit", "bad_choice", "no_actions", "time_zone"}]
    shutil.copytree(SHIPPED, tmp_path / "plant")
    for fault in chosen:
        file = tmp_path / "plant" / fault.file
        text = file.read_text(encoding="utf-8")
        start = text.index(fault.old, text.index(fault.after))
        file.write_text(text[:start] + fault.new + text[start + len(fault.old) :], encoding="utf-8")
    assert {fault.where for fault in chosen} <= {issue.where for issue in issues_of(tmp_path / "plant")}


def test_a_folder_without_plant_yaml_is_named(tmp_path: Path) -> None:
    (issue,) = issues_of(tmp_path)
    assert issue.file == "plant.yaml"
    assert str(tmp_path) in issue.text


def test_a_missing_template_folder_is_reported_at_its_instances(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    shutil.rmtree(tmp_path / "plant" / "common")
    issues = issues_of(tmp_path / "plant")
    assert [issue.where for issue in issues] == ["instances.C0.template"]
    assert "no folder common" in issues[0].text


def test_a_template_that_no_instance_uses_is_reported(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    shutil.copytree(tmp_path / "plant" / "common", tmp_path / "plant" / "turbine")
    assert "no instance uses the template folder turbine" in issues_of(tmp_path / "plant")[0].text


def test_a_file_that_is_no_text_is_reported_by_name(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    (tmp_path / "plant" / "line" / "steam.yaml").write_bytes(b"tags:\n  \xff\xfe\n")
    (issue,) = issues_of(tmp_path / "plant")
    assert (issue.file, issue.line, issue.text) == ("line/steam.yaml", 2, "is not UTF-8 text; save it as UTF-8")


def test_an_empty_file_is_reported(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    (tmp_path / "plant" / "line" / "empty.yaml").write_text("# nothing yet\n", encoding="utf-8")
    (issue,) = issues_of(tmp_path / "plant")
    assert (issue.file, issue.text) == ("line/empty.yaml", "is empty; delete it or fill it")


def test_an_instance_may_not_be_called_as_a_template(tmp_path: Path) -> None:
    folder = tmp_path / "plant"
    shutil.copytree(SHIPPED, folder)
    (folder / "common").rename(folder / "C0")
    (folder / "notes").mkdir()  # a folder without .yaml files is no template
    plant = folder / "plant.yaml"
    plant.write_text(plant.read_text(encoding="utf-8").replace("template: common", "template: C0"), encoding="utf-8")
    assert "C0 is the name of a template as well; rename one" in [issue.text for issue in issues_of(folder)]


def test_a_file_that_is_a_list_is_reported(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    (tmp_path / "plant" / "line" / "list.yaml").write_text("- LT-1401\n", encoding="utf-8")
    (issue,) = issues_of(tmp_path / "plant")
    assert issue.text == "expected tags, equipment, loops, actions, protection or process, found a list"


def test_a_simulator_parameter_in_two_files_is_reported(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "plant")
    text = "process:\n  drum:\n    volume_m3: 30\n"
    (tmp_path / "plant" / "line" / "twice.yaml").write_text(text, encoding="utf-8")
    (issue,) = issues_of(tmp_path / "plant")
    assert (issue.file, issue.line, issue.where) == ("line/twice.yaml", 3, "drum.volume_m3")
