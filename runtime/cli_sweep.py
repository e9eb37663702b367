"""``stepsim sweep``: a scenario with every combination of some values, in one table."""

from __future__ import annotations

from pathlib import Path

import click

from stepsim.runtime.cli_given import BadInput
from stepsim.runtime.cli_output import MARKDOWN, Written
from stepsim.runtime.cli_seeds import progress_of, write_summary


@click.command()
@click.argument("file", metavar="SCENARIO", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    "varied",
    multiple=True,
    required=True,
    metavar="KEY.PATH=A,B,C",
    help="Values of the scenario to try: --vary functions.Resize.memory_mb=512,1024. May be repeated.",
)
@click.option(
    "--set", "sets", multiple=True, metavar="KEY.PATH=VALUE", help="Change a value in all of them. May be repeated."
)
@click.option("--seed", type=int, help="The first seed; the scenario's own otherwise.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, help="How many seeds each combination has; 1.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many simulations run at a time; one a CPU otherwise.")
@click.option(
    "--json", "json_target", metavar="FILE|-", help="Write the table as JSON; with -, the summary goes to stderr."
)
@MARKDOWN
@click.pass_context
def sweep(
    ctx: click.Context,
    file: Path,
    varied: tuple[str, ...],
    sets: tuple[str, ...],
    seed: int | None,
    seeds: int,
    jobs: int | None,
    json_target: str | None,
    markdown_target: str | None,
) -> None:
    """Simulate a scenario with every combination of some values.

    One row tells of each: makespan, cost, throttles, failed items, expectations. The best trade-offs between time and
    money are marked.

    Exit status: 0 it is done, whatever came out, 1 it was interrupted, 2 bad usage or input.
    """
    from stepsim.runtime.scenario import ScenarioError, load_scenario
    from stepsim.runtime.simulations import SimulationError, usable_cpus
    from stepsim.runtime.sweep import SweepError, combinations, parse_axis, sets_of
    from stepsim.runtime.sweep import sweep as make_sweep

    written = Written(json_target, markdown_target)
    written.check()
    try:
        tried = combinations([parse_axis(text) for text in varied], seeds)
        # All of them before any runs: a wrong key is no matter of the last combination.
        loaded = [load_scenario(file, (*sets, *sets_of(one)), seed) for one in tried]
        first = loaded[0].seed
        with progress_of(len(tried) * seeds) as advance:
            summary = make_sweep(file, sets, tried, range(first, first + seeds), jobs or usable_cpus(), advance)
    except SweepError as error:
        raise click.BadParameter(str(error), param_hint="--vary") from None
    except (ScenarioError, SimulationError) as error:
        raise BadInput(str(error)) from None
    if json_target is not None:
        write_summary(summary, json_target)
    if markdown_target is not None:
        from stepsim.runtime.markdown_summary import sweep_markdown

        written.write_markdown(lambda: sweep_markdown(summary))
    # Imported here: no run waits for the library that draws its tables.
    from stepsim.runtime.sweep_summary import print_sweep

    print_sweep(summary, written.summary)
    if summary["interrupted"]:
        click.echo(f"Interrupted: {len(summary['runs'])} of {len(tried)} combinations were simulated.", err=True)
        ctx.exit(1)
