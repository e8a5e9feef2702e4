"""Parameters of the convection pass: design points at full load; the coefficients are calculated from them at start."""

from typing import Annotated

from pydantic import Field

from plc_sim.process.parameters import Area, Positive, Share

Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]


class ConvectionParameters(Area):
    """Protective evaporator bundle, three superheaters with two sprays, economiser, and their cleaning, of one line."""

    # gas at full load, entering from the third pass
    gas_nm3_s: Positive  # wet
    gas_in_k: Positive
    gas_o2: Share  # wet volume shares
    gas_h2o: Share
    gas_co2: Share
    gas_out_k: Positive  # behind the economiser; fixes its surface
    gas_dp_pa: Positive  # draft loss
    # heat transfer at full load
    bundle_w: Positive  # fixes the surface of the protective bundle
    sh1_out_k: Positive  # steam; the three fix the surfaces of the superheaters
    sh2_out_k: Positive
    sh3_out_k: Positive
    film_ratio: Positive  # heat transfer from metal to steam by that from gas to metal, in each superheater
    sh3_tube_k: Positive  # mean of the tube surfaces at the hot end of SH3
    tube_spread: NotNegative  # of the surfaces over the width, share of their excess over the metal
    bundle_radiation: NotNegative  # share of the heat transfer that is radiation
    sh3_radiation: NotNegative
    sh2_radiation: NotNegative
    # storage
    bundle_lag_s: Positive  # of the metal behind the gas
    bundle_excess_k: Positive  # metal over boiling water
    sh1_lag_s: Positive  # heat capacity of the metal over that of the steam flow
    sh2_lag_s: Positive
    sh3_lag_s: Positive
    economiser_kg: Positive  # water and metal as a mass of water
    # sprays at full load: flow follows position and the root of the pressure difference
    sp1_kg_s: Positive
    sp1_position: Share
    sp2_kg_s: Positive
    sp2_position: Share
    # fouling and cleaning: heat transfer as a share of that at full load
    clean: Positive  # directly behind a cleaning
    dirty: Positive  # where it ends without cleaning
    fouling_s: Positive  # time constant at full gas flow
    cleaning_s: Positive  # time constant while a blower or rapper is at work
    blower_kg_s: NotNegative  # steam to one soot blower; 0 for rappers
    bundle_blowers: Count
    sh3_blowers: Count
    sh2_blowers: Count
    sh1_blowers: Count
    economiser_blowers: Count
