"""``d3station demo``: the whole station on the simulated rig."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, print_json, stderr
from api.cli.serve import HostOption, PortOption, run
from api.cli.teach import DEFAULT_PARTS, teach_with_bar
from rig_configs.errors import ModelError, Unprocessable

if TYPE_CHECKING:
    from api.composition import OpenStation
    from api.settings import Settings

RECIPE = "fork_crimp_terminal"


def demo(
    once: Annotated[bool, typer.Option("--once", help="Inspect one good and one defective part, print both verdicts, and exit.")] = False,
    as_json: JsonOption = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    data_dir: DataDirOption = DATA_DIR,
    rig: Annotated[str, typer.Option(help="A simulated rig: a shipped one by name, or a folder with one that has parts of your own.")] = "demo",
    recipe: Annotated[str, typer.Option(help="Part to inspect.")] = RECIPE,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the parts and the noise.")] = 0,
    teach_parts: Annotated[int, typer.Option(min=5, max=500, help="Good parts to teach from, when no model is there.")] = DEFAULT_PARTS,
) -> None:
    """Build the simulated rig, teach from good parts if no model is there, serve, and print a sign-in link."""
    from api.composition import open_station
    from api.log import configure_logging
    from api.settings import Settings

    opened = open_station(rig, data_dir, name="demo", seed=seed, automatic_hand=not once)
    try:
        if opened.hand is None:
            raise Unprocessable(f"Rig '{rig}' is not a simulated one.", cure="Start a real rig with: d3station serve", detail="not_simulated")
        opened.station.models.check(recipe)
        if needs_teaching(opened, recipe):
            teach_with_bar(opened, data_dir, recipe, teach_parts)
        opened.station.models.model(recipe)  # read now, so that the first part does not wait for it
        settings = Settings(data_dir=data_dir, station_name="demo", host=host, port=port)
        log = data_dir / "log.jsonl"
        if once:
            configure_logging(log)
            inspections = inspect_good_and_defective(settings, opened, recipe, seed)
        else:
            run(settings, opened, log)
            return
    finally:
        opened.station.close()
    if as_json:
        print_json({"inspections": inspections})
    else:
        for inspection in inspections:
            stderr.print(_in_words(inspection), markup=False)


def _in_words(inspection: dict[str, Any]) -> str:
    told = f"{inspection['part']} part: {inspection['evaluation']}"
    if inspection["reason"]:
        return f"{told}: {inspection['reason']['message']} {inspection['reason']['cure']}"
    return f"{told}, score {inspection['score']:.2f}, limit {inspection['threshold']:.2f}, {inspection['seconds']['total']:.1f} s"


def needs_teaching(opened: OpenStation, recipe: str) -> bool:
    """Whether there is no model, or one of another version: the demo's parts are simulated, so that teaching again costs nobody anything.

    Raises:
        NotFound: no such recipe.
        ModelError: there is a model, and it cannot be read for another reason.
    """
    if not opened.station.models.is_taught(recipe):
        return True
    try:
        opened.station.models.model(recipe)
    except ModelError as error:
        if error.code != "model.invalid.format":
            raise
        stderr.print(f"{error.message} Teaching it again.", markup=False)
        return True
    return False


def inspect_good_and_defective(settings: Settings, opened: OpenStation, recipe: str, seed: int) -> list[dict[str, Any]]:
    """Inspect one good and one defective part of a seed by the service's own job runner and store."""
    from api.jobs import JobRunner
    from api.schemas import InspectionRequest, Role
    from api.security import Principal
    from api.service_lock import ServiceLock
    from api.store.store import open_store
    from api.waiting import finished

    assert opened.hand is not None
    feeder = opened.hand.feeder(recipe, seed)
    defects = opened.hand.part(recipe).defects
    store = open_store(settings)
    runner = JobRunner(store, opened.station, station_name=settings.station_name)
    results: list[dict[str, Any]] = []
    with ServiceLock(settings.data_dir):
        runner.start()
        try:
            for part, defect in (("good", None), ("defective", defects[seed % len(defects)])):
                feeder.place(defect, seed=2 * seed + (defect is not None))
                request = InspectionRequest(recipe=recipe, serial=f"{part}-{seed}")
                inspection, _ = runner.submit(request, Principal("demo", Role.ADMIN, "key", ""), None)
                done = asyncio.run(finished(store, inspection.id, wait_s=120))
                results.append(
                    {
                        "part": part,
                        "defect": defect,
                        "evaluation": done.evaluation.value,
                        "score": done.score,
                        "threshold": done.threshold,
                        "reason": done.reason.model_dump() if done.reason else None,
                        "seconds": done.timings.model_dump() if done.timings else None,
                    }
                )
        finally:
            runner.stop()
            store.close()
    return results
