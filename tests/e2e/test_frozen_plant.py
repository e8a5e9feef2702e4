"""The plant's time stands still, crawls and runs on under a living controller: no device is lost, nothing trips."""

import struct
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.e2e.running import Places, running

pytestmark = pytest.mark.long  # three processes for half a minute

FREEZE, RUN, SET_SPEED = 10, 11, 13
STILL_S = 1.5  # three times as long as the controller takes for a dead PLC


def test_a_plant_that_is_frozen_and_slow_is_no_dead_plant(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with running(places.run_options, tmp_path / "out") as plant:
        plant.wait_for("scan ")
        sim = ModbusTcpClient("127.0.0.1", port=places.devices["SIM"])
        assert sim.connect()
        try:
            for number in (FREEZE, RUN, SET_SPEED):
                if number == SET_SPEED:
                    sim.write_registers(16, list(struct.unpack(">HH", struct.pack(">f", 0.1))))
                assert not sim.write_register(0, number).isError()
                assert sim.read_input_registers(1, count=1).registers == [0]
                time.sleep(STILL_S)
        finally:
            sim.close()
        assert plant.end()[0] == 0
        assert "device lost" not in plant.text
        assert "trip latched" not in plant.text
