"""Self-pretraining of the small Point-MAE on the clouds of a data set: no labels, no other network."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from inference.features.extraction import feature_grid
from inference.features.masked_autoencoder import MaskedAutoencoder
from inference.features.networks import SMALL_POINT_MAE
from inference.features.point_mae import Groups, PointMaeShape, grouped
from inference.features.points import organised_points
from inference.features.window import outlined, part_window
from inference.sample import D3Sample
from inference.weights_folder import Origin, store, weights_file
from rig_configs.errors import Cancelled, Conflict, SampleError

NAME = "point-mae-small"
_WORKING_PX, _MARGIN_PX = 448, 16
_SAVE_EVERY = 200
_WARM_UP = 0.05
_MASKED = 0.6
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Settings; a run goes on with those it was begun with."""

    steps: int = 2000
    batch: int = 8
    """Pieces of clouds in a step."""
    groups: int = 128
    """Neighbouring groups that a piece is made of."""
    rate: float = 1e-3
    """Peak learning rate of AdamW."""
    seed: int = 0


def cut_clouds(
    samples: Iterable[D3Sample],
    progress: Progress = lambda _share, _what: None,
    cancelled: Callable[[], bool] = lambda: False,
    shape: PointMaeShape = SMALL_POINT_MAE,
) -> tuple[list[Groups], list[str]]:
    """Cut the parts of samples into groups as they are when features are made.

    Returns:
        The groups, and of each sample that has no part or no points, its name and why.
    """
    cut: list[Groups] = []
    left_out: list[str] = []
    for number, sample in enumerate(samples):
        _check(cancelled)
        progress(0.0, f"cutting cloud {number + 1}")
        try:
            grid = feature_grid(sample, _WORKING_PX, _MARGIN_PX)
        except SampleError as error:
            left_out.append(error.message)
            continue
        part = outlined(sample.foreground, sample.name)
        points, pitch_mm = organised_points(sample.xyz_mm, part, part_window(part, grid.scale, grid.margin_px), grid.cell_mm)
        cut.append(grouped(points, pitch_mm, shape))
    return cut, left_out


def pretrain(
    clouds: list[Groups],
    settings: Pretraining,
    source: str,
    folder: Path | None = None,
    progress: Progress = lambda _share, _what: None,
    cancelled: Callable[[], bool] = lambda: False,
    shape: PointMaeShape = SMALL_POINT_MAE,
) -> tuple[Origin, list[float]]:
    """Train, on a GPU where there is one, and keep the encoder as the backbone ``point-mae-small``.

    What a step draws hangs on the seed and its number alone, so a run that was stopped and goes on is the run that was not stopped.

    Args:
        clouds: from ``cut_clouds``.
        settings: how.
        source: what the clouds are of, kept with the weights.
        folder: of weights; ``weights_folder`` where not given.
        progress: told the share done and the loss.
        cancelled: asked at every step; the state is kept then.
        shape: of the network.

    Returns:
        Where the weights came from, and the loss of every step of this run.

    Raises:
        SampleError: no cloud is large enough.
        Conflict: a run with other settings or clouds is unfinished there.
        Cancelled: ``cancelled`` said so.
    """
    clouds = [cloud for cloud in clouds if len(cloud.centres) >= settings.groups]
    if not clouds:
        raise SampleError(
            f"No cloud has {settings.groups} groups of points.", cure="Give a data set whose parts fill more of the picture.", detail="points"
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    model = MaskedAutoencoder(shape).to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.rate, betas=(0.9, 0.95), weight_decay=0.05)
    state_file = weights_file(NAME, folder).with_suffix(".training")
    identity = json.dumps(asdict(settings) | {"source": source, "clouds": len(clouds), "shape": asdict(shape)}, sort_keys=True)
    first = _resumed(state_file, identity, model, optimiser)
    losses: list[float] = []
    for step in range(first, settings.steps):
        if cancelled():
            _keep(state_file, identity, step, model, optimiser)
            raise Cancelled(f"Training was stopped at step {step} of {settings.steps}.", cure="Give the same command again to go on from there.")
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(step / settings.steps)
        groups, centres = _draw(clouds, settings, step)
        loss = model(groups.to(device), centres.to(device), round(_MASKED * settings.groups))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        progress((step + 1) / settings.steps, f"step {step + 1} of {settings.steps}, loss {np.mean(losses[-50:]):.3f}")
        if (step + 1) % _SAVE_EVERY == 0:
            _keep(state_file, identity, step + 1, model, optimiser)
    origin = store(NAME, {name: tensor.cpu() for name, tensor in model.encoder.state_dict().items()}, source, "", folder)
    state_file.unlink(missing_ok=True)
    return origin, losses


def _schedule(share: float) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if share < _WARM_UP:
        return (share + 1e-3) / _WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (share - _WARM_UP) / (1.0 - _WARM_UP)))


def _draw(clouds: list[Groups], settings: Pretraining, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, G, K, 3) groups and (B, G, 3) centres: pieces of clouds, each turned about z, mirrored and tilted a little, in a drawn order."""
    rng = np.random.default_rng([settings.seed, step])
    groups: list[np.ndarray] = []
    centres: list[np.ndarray] = []
    for _ in range(settings.batch):
        cloud = clouds[int(rng.integers(len(clouds)))]
        middle = cloud.centres[int(rng.integers(len(cloud.centres)))]
        near = np.argpartition(np.square(cloud.centres - middle).sum(1), settings.groups - 1)[: settings.groups]
        near = rng.permutation(near)
        turn, tilt_x, tilt_y = rng.uniform(-np.pi, np.pi), *rng.normal(0, 0.1, 2)
        c, s = np.cos(turn), np.sin(turn)
        rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, tilt_x], [0, 1, tilt_y], [-tilt_x, -tilt_y, 1]])
        rotation[:, 0] *= rng.choice([-1.0, 1.0])
        rotation = (rotation * rng.uniform(0.9, 1.1)).astype(np.float32)
        groups.append(cloud.groups[near] @ rotation.T)
        centres.append(cloud.centres[near] @ rotation.T)
    return torch.from_numpy(np.stack(groups)), torch.from_numpy(np.stack(centres))


def _keep(path: Path, identity: str, step: int, model: MaskedAutoencoder, optimiser: torch.optim.Optimizer) -> None:
    """Everything that the next step depends on."""
    tensors = {f"model.{name}": tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": torch.as_tensor(value).cpu().contiguous() for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    save_file(tensors, partial, {"identity": identity, "step": str(step)})
    partial.replace(path)


def _resumed(path: Path, identity: str, model: MaskedAutoencoder, optimiser: torch.optim.Optimizer) -> int:
    """The step to go on at; 0 where nothing is kept."""
    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as cause:
        raise Conflict(f"{path} cannot be read: {cause}.", cure="Remove it to begin anew.", detail="training") from cause
    if said.get("identity") != identity:
        raise Conflict(
            f"{path} is of a run with other settings or clouds.", cure="Give that run's arguments to go on, or remove the file.", detail="training"
        )
    model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")})
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("adam."):
            _, index, what = name.split(".", 2)
            states.setdefault(int(index), {})[what] = tensor
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
    return int(said["step"])


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Training was stopped.", cure="Give the same command again.")
