"""The drawing of a loop: what belongs to it is there, nothing overlaps, and every line leads to the right."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from controller.core.config import Config, load
from wte.folders import shipped_plant
from wte.strategy.drawing import draw
from wte.strategy.graph import Atlas, Graph, loop_references, targets
from wte.strategy.layout import lay_out
from wte.strategy.words import formula, short

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def config() -> Config:
    return load(shipped_plant())


@pytest.fixture(scope="module")
def graphs(config: Config) -> dict[str, Graph]:
    atlas = Atlas(config)
    return {key: atlas.graph(key) for key in config.loops}


def test_three_element_level_control_is_drawn_from_the_transmitters_to_the_slave(graphs: dict[str, Graph]) -> None:
    graph = graphs["L1-LIC-1401"]
    lines = {(edge.source, edge.target, edge.role) for edge in graph.edges}
    assert {
        ("L1-LT-1401A", "L1-LT-1401", ""),
        ("L1-LT-1401", "L1-LIC-1401", "PV"),
        ("L1-FT-1501", "L1-FY-1502", ""),
    } <= lines
    assert graph.nodes["L1-LT-1401A"].kind == "measured"
    assert graph.nodes["L1-LT-1401"].kind == "calculated"
    assert graph.nodes["L1-FIC-1601"].kind == "loop"


def test_a_slave_shows_its_master_and_its_valve(graphs: dict[str, Graph]) -> None:
    graph = graphs["L1-FIC-1601"]
    assert graph.nodes["L1-FV-1601.OP"].kind == "final"
    assert next(edge.role for edge in graph.edges if edge.source == "L1-LIC-1401").startswith("SP")


def test_everything_a_loop_reads_and_moves_is_in_its_drawing(config: Config, graphs: dict[str, Graph]) -> None:
    atlas = Atlas(config)
    for key, graph in graphs.items():
        spec = config.loops[key].spec
        refs = [reference.ref for reference in loop_references(spec)] + [to for to, _ in targets(spec)]
        missing = {atlas.node_of(ref) for ref in refs} - set(graph.nodes)
        assert not missing, f"{key}: {missing}"


def test_boxes_keep_apart_and_signals_go_to_the_right(graphs: dict[str, Graph]) -> None:
    for key, graph in graphs.items():
        placed = lay_out(graph)
        for one, other in itertools.combinations(placed.place.values(), 2):
            assert one[0] != other[0] or abs(one[1] - other[1]) > 0.99, key
        for edge in graph.edges:
            if edge.line != "back":
                assert placed.place[edge.source][0] < placed.place[edge.target][0], f"{key}: {edge}"
        assert all(0.0 < middle < placed.height for _, middle in placed.place.values())


def test_a_drawing_is_a_picture_of_every_node_and_has_the_same_bytes_again(
    config: Config, graphs: dict[str, Graph]
) -> None:
    for key, graph in graphs.items():
        text = draw(config, graph)
        assert text == draw(config, Atlas(config).graph(key))
        root = ET.fromstring(text)  # noqa: S314  our own text
        words = {element.text for element in root.iter(f"{SVG}text")}
        home = config.loops[key].instance
        for node in graph.nodes.values():
            assert short(node.key, home) + (" …" if node.is_cut else "") in words


def test_every_calculated_tag_says_what_it_does(config: Config) -> None:
    for key, tag in config.tags.items():
        if tag.spec.derived is not None:
            assert formula(tag.spec.derived, tag.instance), key
            assert "{" not in formula(tag.spec.derived, tag.instance)
