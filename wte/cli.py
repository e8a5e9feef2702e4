"""The command line. Each command reads its options, and imports what it runs only then: ``--help`` stays instant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from controller.core.errors import PlantError
from wte.admin import certs_app, users_app
from wte.folders import prepare_state, shipped_plant, state_folder
from wte.terminal import FAILED, plain_errors, progress_bar

if TYPE_CHECKING:
    from controller.core.config import Config

ENDPOINT = "opc.tcp://127.0.0.1:4840/wte"

HELP = """
Control and supervision of a two-line waste-to-energy plant.

A plant is a folder of YAML files; the default is the one that is shipped. `wte run` starts everything on this machine:
the simulated plant (PLCs on Modbus TCP), the controller, and the OPC UA server that operators connect to. The same
three parts can be started one by one with `sim`, `control` and `serve`.

Start here:

    wte run                                         the plant, live
    wte check                                       is the configuration right?
    wte scenario scenarios/level-steam-step.yaml    a story, much faster than real time
"""

app = typer.Typer(
    name="wte",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

# --- options that several commands share -----------------------------------------------------------------------------

Plant = Annotated[Path | None, typer.Option("--plant", "-p", help="Folder of the plant. Default: the shipped one.")]
PlantArgument = Annotated[Path | None, typer.Argument(help="Folder of the plant. Default: the shipped one.")]
StateDir = Annotated[
    Path | None,
    typer.Option("--state", help="Folder for state, users, certificates, logs. Default: ~/.local/state/wte/PLANT."),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", metavar="NAME=HOST:PORT", help="Other place of a device than the plant says. Repeatable."),
]
Endpoint = Annotated[str, typer.Option("--endpoint", help="Address of the OPC UA server.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the simulator's noise and disturbances.")]
Initial = Annotated[str, typer.Option("--initial", help="State the simulated plant starts in.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the result for machines.")]


def _places(devices: list[str] | None) -> dict[str, tuple[str, int]]:
    """Return {name: (host, port)} of the --device options."""
    places: dict[str, tuple[str, int]] = {}
    for text in devices or []:
        name, _, place = text.partition("=")
        host, _, port = place.rpartition(":")
        if not (name and host and port.isdigit() and 0 < int(port) < 65536):
            raise typer.BadParameter(f"{text}: expected NAME=HOST:PORT, for example L1=127.0.0.1:5020")
        places[name] = (host.strip("[]"), int(port))
    return places


def _config(plant: Path | None, devices: list[str] | None = None) -> "Config":
    from controller.core.config import load
    from controller.core.models import Simulator
    from wte.service import placed

    config = load(plant or shipped_plant())
    places = _places(devices)
    names = [*config.plant.devices, Simulator.name]
    if unknown := sorted(set(places) - set(names)):
        raise typer.BadParameter(f"--device: the plant has no {', '.join(unknown)}; it has {', '.join(names)}")
    return placed(config, places)


# --- running ---------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel="Running a plant")
def run(
    plant: Plant = None,
    state: StateDir = None,
    device: Devices = None,
    endpoint: Endpoint = ENDPOINT,
    seed: Seed = 0,
    initial: Initial = "100%",
) -> None:
    """Run the whole plant on this machine, simulator included, until Ctrl-C.

    The simulated plant starts anew each time; set-points, modes, latches, records, users and certificates stay in the
    state folder. The first start makes the users operator, shiftlead and engineer and shows their passwords once. On a
    loopback address the OPC UA server also lets anybody on this machine browse and read.

    Example: `wte run --state /var/lib/wte --endpoint opc.tcp://127.0.0.1:4841/wte`
    """
    from wte import launch

    with plain_errors(errors):
        config = _config(plant, device)
        options = launch.Options(state_dir=state, endpoint=endpoint, seed=seed, initial=initial)
        raise typer.Exit(launch.run(config, options, console))


@app.command(rich_help_panel="Running a plant")
def sim(
    context: typer.Context,
    plant: Plant = None,
    state: StateDir = None,
    device: Devices = None,
    seed: Seed = 0,
    initial: Initial = "100%",
    snapshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Begin with this snapshot instead of --initial and --seed.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar='"NAME ARGUMENT=VALUE ..."', help="Begin with this fault; --map lists them. Repeatable."),
    ] = None,
    speed: Annotated[float, typer.Option(help="Plant seconds per second, 0.1 to 1000; 0: as fast as possible.")] = 1.0,
    frozen: Annotated[bool, typer.Option("--frozen", help="Begin with the plant's time standing still.")] = False,
    show_map: Annotated[
        bool, typer.Option("--map", help="Print all registers, commands, faults and their numbers, and end.")
    ] = False,
) -> None:
    """Run only the simulated plant: its PLCs on Modbus TCP, for any Modbus master.

    Beside the PLCs a device SIM sets faults, freezes, steps and speeds up the plant, and keeps snapshots
    (docs/how-to/drive-the-simulator.md).

    Example: `wte sim --initial 60% --device L1=127.0.0.1:15020 --fault "F5 line=L1 t_h=8"`
    """
    from wte.service import Simulator, host, places_of

    sources = {name: context.get_parameter_source(name) for name in ("initial", "seed")}
    begins = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if snapshot is not None and begins:
        raise typer.BadParameter(f"--snapshot: the file says where to begin; leave out --{' and --'.join(begins)}")
    with plain_errors(errors):
        config = _config(plant, device)
        if show_map:
            from plc_sim.maintenance_page import page, plant_page
            from plc_sim.simulator import Simulator as Plant

            typer.echo(page() + "\n" + plant_page(Plant(config, initial="cold")), nl=False)
            return
        folder = (state or state_folder(config.plant.name)) / "snapshots"
        what = Simulator(
            str(config.folder), places_of(config), seed, initial, str(folder), speed, frozen,
            "" if snapshot is None else str(snapshot), tuple(fault or ()),
        )  # fmt: skip
        raise typer.Exit(host(what))


@app.command(rich_help_panel="Running a plant")
def control(plant: Plant = None, state: StateDir = None, device: Devices = None) -> None:
    """Run only the controller, against real or simulated PLCs.

    Example: `wte control --state /var/lib/wte --device L1=192.0.2.10:502`
    """
    from wte.service import Controller, host, places_of

    with plain_errors(errors):
        config = _config(plant, device)
        folder = state or state_folder(config.plant.name)
        prepare_state(folder)
        raise typer.Exit(host(Controller(str(config.folder), places_of(config), str(folder))))


@app.command(rich_help_panel="Running a plant")
def serve(
    plant: Plant = None,
    state: StateDir = None,
    endpoint: Endpoint = ENDPOINT,
    is_open: Annotated[
        bool, typer.Option("--open", help="Also without security: browse and read only, loopback only.")
    ] = False,
) -> None:
    """Run only the OPC UA server, for a controller with the same state folder.

    Example: `wte serve --state /var/lib/wte --endpoint opc.tcp://0.0.0.0:4840/wte`
    """
    from wte.launch import is_loopback
    from wte.service import HmiServer, host, places_of

    with plain_errors(errors):
        if is_open and not is_loopback(endpoint):
            raise PlantError(f"--open is for loopback addresses only; {endpoint} can be reached from other machines")
        config = _config(plant)
        folder = state or state_folder(config.plant.name)
        prepare_state(folder)
        service = HmiServer(str(config.folder), places_of(config), str(folder), endpoint, is_open)
        raise typer.Exit(host(service))


# --- engineering -----------------------------------------------------------------------------------------------------


@app.command(rich_help_panel="Engineering")
def check(plant: PlantArgument = None) -> None:
    """Check the configuration of a plant: all mistakes, one a line, as file:line: where: what.

    Exit code 2 when there are any; a summary when there are none.

    Example: `wte check config/almaty`
    """
    from controller.core.compiler import compile_plan
    from wte.check import summary

    with plain_errors(errors):
        config = _config(plant)
        for table in summary(config, compile_plan(config)):
            console.print(table)


@app.command(rich_help_panel="Engineering")
def scenario(
    file: Annotated[Path, typer.Argument(help="Scenario file.")],
    plant: Plant = None,
    out: Annotated[Path, typer.Option(help="Folder in which a folder of the story's name is made.")] = Path("out"),
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the data as Parquet instead of CSV.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Play a scenario in lockstep and judge it; exit code 1 when an expectation is not met.

    Leaves a folder with a page to open in a browser: what was expected and found, a plot of each loop that the scenario
    names (value, set-point, output, mode), of its other groups of tags, all events, and the data.

    Example: `wte scenario scenarios/level-steam-step.yaml --out out --json out/result.json`
    """
    from wte.scenario import load_scenario, play, report

    with plain_errors(errors):
        story = load_scenario(file)
        config = _config(plant)
        with progress_bar(errors, story.title, story.duration_s) as progress:
            result = play(story, config, progress)
        report.print_result(result, console)
        written = report.write_folder(result, config, out / file.stem, is_parquet=parquet)
        if json_file is not None:
            report.write_json(result, json_file)
        console.print(f"written: {written[0]} with {len(written) - 1} more files in its folder", soft_wrap=True)
        raise typer.Exit(0 if result.is_met else FAILED)


@app.command(rich_help_panel="Engineering")
def bench(
    plant: Plant = None,
    scans: Annotated[int, typer.Option(min=100, help="Scans per measurement.")] = 2000,
    json_file: JsonFile = None,
) -> None:
    """Measure scan time by stage, lockstep speed, memory and start-up, for this plant and one ten times as large.

    Example: `wte bench --json out/bench.json`
    """
    from wte import bench as measure

    with plain_errors(errors), progress_bar(errors, "measuring", measure.STEPS) as progress:
        figures = measure.run(plant or shipped_plant(), scans, progress)
    for table in measure.tables(figures):
        console.print(table)
    if json_file is not None:
        measure.write_json(figures, json_file)


@app.command(rich_help_panel="Engineering")
def validate(
    plant: Plant = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="WORD", help="Only checks with this in their name. Repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(dir_okay=False, help="The page; plots go in a folder of its name.")] = Path(
        "out/validation.md"
    ),
) -> None:
    """Check the simulated plant against the reference figures, and write the page with what it reached.

    Exit code 1 when a figure is missed whose cause is not known.

    Example: `wte validate --only drum --out docs/validation.md`
    """
    from wte.validation import page
    from wte.validation.bench import Bench
    from wte.validation.checks import ALL

    with plain_errors(errors):
        bench, checks = Bench(_config(plant)), page.chosen(ALL, only or [])
        with progress_bar(errors, "checking", len(checks)) as progress:
            done = page.run(checks, bench, progress)
        for table in page.tables(done):
            console.print(table)
        written = page.write(done, out)
    console.print(f"written: {written[0]} and {len(written) - 1} plots", soft_wrap=True)
    raise typer.Exit(FAILED if any(one.surprises for one in done) else 0)


@app.command(rich_help_panel="Engineering")
def strategy(
    plant: Plant = None,
    out: Annotated[Path, typer.Option(help="The index; pages and drawings go in a folder of its name.")] = Path(
        "out/control.md"
    ),
) -> None:
    """Write the pages of the control strategy: each loop as a drawing, its structure, tuning, margins, what stops it.

    Made from the configuration alone; figures that `wte proof` left beside the index are shown too.

    Example: `wte strategy --out docs/control.md`
    """
    from wte.strategy import page

    with plain_errors(errors):
        written = page.write(_config(plant), out)
    console.print(f"written: {written[0]} and {len(written) - 1} pages and drawings", soft_wrap=True)


@app.command(rich_help_panel="Engineering")
def proof(
    plant: Plant = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="WORD", help="Only cases with this in their name. Repeatable."),
    ] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, help="Play at most so many hours of each case.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N-M", help="Other seeds than the cases say: 1-5, or 3.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Cases at once. Default: one for each core.")] = None,
    cases: Annotated[Path, typer.Option(help="Folder of the cases, scenario files.")] = Path("scenarios/proof"),
    out: Annotated[
        Path, typer.Option(dir_okay=False, help="The page; plots and figures in a folder of its name.")
    ] = Path("out/control-proof.md"),
) -> None:
    """Prove the control on the closed plant: days under disturbance over several seeds, load changes, run-backs.

    Exit code 1 when a bar is missed in any seed. The page has every bar with what each seed reached.

    Example: `wte proof --only typical --hours 2 --seeds 1-2 --out docs/control-proof.md`
    """
    from wte.proof import page, run

    with plain_errors(errors):
        chosen = run.cases(cases, only or [], hours, None if seeds is None else run.seeds_of(seeds))
        config = _config(plant)
        with progress_bar(errors, "proving", run.total_s(chosen)) as progress:
            done = run.run(chosen, config, jobs or run.cores(), progress)
        for table in page.tables(done):
            console.print(table)
        written = page.write(done, config, out)
    console.print(f"written: {written[0]} and {len(written) - 1} plots", soft_wrap=True)
    raise typer.Exit(0 if all(one.is_met for one in done) else FAILED)


# --- administration --------------------------------------------------------------------------------------------------

app.add_typer(users_app, name="users", rich_help_panel="Administration")
app.add_typer(certs_app, name="certs", rich_help_panel="Administration")


def main() -> None:
    """Entry point of ``wte``."""
    app()
