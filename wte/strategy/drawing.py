"""Draws the graph of a loop as SVG: plain text, the same bytes for the same configuration.

Circles are measurements, rounded boxes calculated tags, framed boxes loops, valves and motors final elements; dashed
lines are conditions and what is read one scan later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from itertools import pairwise
from textwrap import wrap

from controller.core.config import Config
from wte.strategy.graph import Edge, Graph, Node, action_of
from wte.strategy.layout import Placed, lay_out
from wte.strategy.words import formula, short

BOX_W, BOX_H = 172.0, 56.0
PITCH_X, PITCH_Y = 236.0, 68.0
PORT_Y = 12.0  # between two lines that end at a box, at least
EDGE = 10.0  # around the drawing
BUBBLE = 17.0  # radius of a measurement's circle
LETTERS = 27  # in a line of a box
COLOURS = {"measured": "#1f4e79", "calculated": "#7f6000", "loop": "#222222", "final": "#548235", "row": "#c00000"}
FILLS = {"measured": "#ffffff", "calculated": "#fff8e5", "loop": "#eef3f9", "final": "#f1f7ec", "row": "#fdecec"}
DOTTED = ' stroke-dasharray="1.5 3"'
LINES = {"signal": "", "logic": ' stroke-dasharray="4 3"', "late": DOTTED, "back": DOTTED}
HEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
)
BOLD, SMALL = 'font-weight="bold"', 'font-size="9.5" fill="#555"'
HALO = 'stroke="#fff" stroke-width="3"'


def draw(config: Config, graph: Graph) -> str:
    """Return the drawing as the text of an SVG file."""
    tall = _tall(graph)
    placed = lay_out(graph, {key: 1.0 + (height - BOX_H) / PITCH_Y for key, height in tall.items()})
    width = placed.columns * PITCH_X - (PITCH_X - BOX_W) + 2.0 * EDGE
    height = placed.height * PITCH_Y + 2.0 * EDGE
    title = f"{short(graph.centre)}: {config.loops[graph.centre].spec.title.en}"
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{escape(title)}</title>{HEAD}",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        '<g font-family="sans-serif" font-size="10.5" fill="#222">',
        *_edges(graph, placed, tall),
        *(
            _node(config, graph, node, *_corner(placed, tall, node.key), tall[node.key])
            for node in graph.nodes.values()
        ),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def _tall(graph: Graph) -> dict[str, float]:
    """Return the height of every box: room for its texts, and for the lines that end at it."""
    ends = Counter(edge.target for edge in graph.edges)
    return {key: max(BOX_H, PORT_Y * (ends[key] + 1.0)) for key in graph.nodes}


def _corner(placed: Placed, tall: Mapping[str, float], key: str) -> tuple[float, float]:
    """Return the upper left corner of a node's box."""
    column, middle = placed.place[key]
    return EDGE + column * PITCH_X, EDGE + middle * PITCH_Y - tall[key] / 2.0


# --- lines -----------------------------------------------------------------------------------------------------------


def _edges(graph: Graph, placed: Placed, tall: Mapping[str, float]) -> list[str]:
    """Return lines and, above all of them, their labels."""
    ends = _ports(graph.edges, placed, tall)
    lines: list[str] = []
    labels: list[str] = []
    for edge in graph.edges:
        x, y = _corner(placed, tall, edge.source)
        start = (x + BOX_W, y + tall[edge.source] / 2.0)
        target_x, _ = _corner(placed, tall, edge.target)
        end = (target_x, ends[edge])
        if edge.line == "back" or end[0] <= start[0]:
            path = _around(start, end)
        else:
            passes = [
                (EDGE + column * PITCH_X + side, EDGE + middle * PITCH_Y)
                for column, middle in placed.via.get(edge, ())
                for side in (0.0, BOX_W)
            ]
            path = _along([start, *passes, end])
        lines.append(f'<path d="{path}" fill="none" stroke="#555"{LINES[edge.line]} marker-end="url(#a)"/>')
        if edge.role:
            labels.append(_label(edge.role, end))
    return [*lines, *labels]


def _ports(edges: Iterable[Edge], placed: Placed, tall: Mapping[str, float]) -> dict[Edge, float]:
    """Return the height at which each line ends: spread over the left side of its target, in order of the sources."""
    ends: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        ends[edge.target].append(edge)
    ports: dict[Edge, float] = {}
    for target, mine in ends.items():
        _, top = _corner(placed, tall, target)
        mine.sort(key=lambda edge: placed.via[edge][-1][1] if placed.via.get(edge) else placed.place[edge.source][1])
        for number, edge in enumerate(mine):
            ports[edge] = top + tall[target] * (number + 1.0) / (len(mine) + 1.0)
    return ports


def _along(points: list[tuple[float, float]]) -> str:
    """Return a smooth path to the right through points."""
    path = [f"M{points[0][0]:.0f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        half = (x1 - x0) / 2.0
        path.append(f"C{x0 + half:.0f} {y0:.1f} {x1 - half:.0f} {y1:.1f} {x1:.0f} {y1:.1f}")
    return "".join(path)


def _around(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a path that leaves to the right and comes from the left, against the direction of the drawing."""
    (x0, y0), (x1, y1) = start, end
    reach, bow = 34.0, y1 + 0.62 * PITCH_Y * (1.0 if y0 >= y1 else -1.0)
    return (
        f"M{x0:.0f} {y0:.1f}C{x0 + reach:.0f} {y0:.1f} {x0 + reach:.0f} {bow:.1f} {(x0 + x1) / 2.0:.0f} {bow:.1f}"
        f"S{x1 - reach:.0f} {y1:.1f} {x1:.0f} {y1:.1f}"
    )


def _label(text: str, end: tuple[float, float]) -> str:
    """Return a role at the end of a line, on a white edge of its own."""
    place = f'<text x="{end[0] - 9.0:.0f}" y="{end[1] - 3.0:.1f}" {SMALL} text-anchor="end"'
    return f"{place} {HALO}>{escape(text)}</text>{place}>{escape(text)}</text>"


# --- boxes -----------------------------------------------------------------------------------------------------------


def _node(config: Config, graph: Graph, node: Node, x: float, y: float, tall: float) -> str:
    """Return one box with its texts."""
    colour, fill = COLOURS.get(node.kind, "#7f7f7f"), FILLS.get(node.kind, "#ffffff")
    key, title, detail = _texts(config, graph, node)
    indent = 2.0 * BUBBLE + 8.0 if node.kind == "measured" else 10.0
    if node.kind == "measured":
        shape = _bubble(key, x, y + tall / 2.0, colour)
    else:
        wide, corner = 2.4 if node.key == graph.centre else 1.0, 12.0 if node.kind == "calculated" else 2.0
        shape = (
            f'<rect x="{x:.0f}" y="{y:.1f}" width="{BOX_W:.0f}" height="{tall:.0f}" rx="{corner:.0f}" fill="{fill}" '
            f'stroke="{colour}" stroke-width="{wide:g}"/>'
        )
    if node.kind == "final":
        shape += _final(key, x + BOX_W - 26.0, y + 14.0, colour)
    mark = " …" if node.is_cut else ""
    lines = [f'<text x="{x + indent:.0f}" y="{y + 14.0:.1f}" {BOLD}>{escape(key + mark)}</text>']
    room = LETTERS - round(indent / 8.0) + 1
    texts = [*_cut(title, room, 2), *_cut(detail, room + 2, 1)] if detail else _cut(title, room, 3)
    for number, text in enumerate(texts):
        lines.append(f'<text x="{x + indent:.0f}" y="{y + 26.5 + 12.0 * number:.1f}" {SMALL}>{escape(text)}</text>')
    return shape + "".join(lines)


def _cut(text: str, room: int, most: int) -> list[str]:
    """Return at most ``most`` lines of ``room`` letters; the last ends in … when there is more."""
    lines = wrap(text, room)
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: room - 1]}…"]


def _bubble(key: str, x: float, middle: float, colour: str) -> str:
    """Return the circle of a measurement with its letters and number."""
    letters, _, number = key.partition("-")
    centre = x + BUBBLE
    return (
        f'<circle cx="{centre:.0f}" cy="{middle:.1f}" r="{BUBBLE:.0f}" fill="none" stroke="{colour}"/>'
        f'<path d="M{x:.0f} {middle:.1f}h{2.0 * BUBBLE:.0f}" stroke="{colour}"/>'
        f'<path d="M{x + 2.0 * BUBBLE:.0f} {middle:.1f}H{x + BOX_W:.0f}" stroke="#ddd"/>'
        + _centred(letters, centre, middle - 4.0)
        + _centred(number[:6], centre, middle + 11.0)
    )


def _centred(text: str, x: float, y: float) -> str:
    return f'<text x="{x:.0f}" y="{y:.1f}" {SMALL} text-anchor="middle">{escape(text)}</text>'


def _final(key: str, x: float, y: float, colour: str) -> str:
    """Return the symbol of a final element: a valve where the letters say so, else a drive."""
    letters = key.partition("-")[0]
    if letters.endswith("V"):
        return f'<path d="M{x - 9:.0f} {y - 6:.1f}v12l18 -12v12z" fill="none" stroke="{colour}"/>'
    return (f'<circle cx="{x:.0f}" cy="{y:.1f}" r="8" fill="none" stroke="{colour}"/>') + _centred("M", x, y + 3.5)


def _texts(config: Config, graph: Graph, node: Node) -> tuple[str, str, str]:
    """Return key, title and detail of a node."""
    home = config.loops[graph.centre].instance
    key = short(node.key, home)
    if node.key in config.loops:
        loop = config.loops[node.key].spec
        law = {"pid": "PID", "two_position": "on/off", "station": "station"}[loop.law]
        return key, loop.title.en, f"{law}, {loop.action}" if loop.law != "station" else law
    if node.key in config.tags:
        spec = config.tags[node.key].spec
        detail = formula(spec.derived, home) if spec.derived is not None else spec.unit
        return key, spec.title.en, detail
    if node.key in config.protection:
        return key, config.protection[node.key].spec.title.en, "row of protection"
    if (action := action_of(config, node.key)) is not None:
        return key, action.title.en, "action of protection"
    return key, "", ""
