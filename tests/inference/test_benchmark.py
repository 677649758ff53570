"""The benchmark on a small data set in memory: numbers, protocols, resuming, broken samples."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import inference.benchmark as benchmark
import inference.benchmark_defects as benchmark_defects
from inference.benchmark_defects import by_defect
from inference.benchmark_folder import run
from inference.benchmark_markdown import markdown
from inference.benchmark_pictures import HeatMaps, chart, chart_defects
from inference.benchmark_plan import THINNINGS, fingerprint, preset, thinned, variants_of
from inference.benchmark_results import document, table
from inference.d3m import D3MConfig
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.methods import METHODS
from inference.sample import D3Sample
from rig_configs.errors import Cancelled, NotFound, SampleError

_made: dict = {}


def _once(make, *what):
    """Drawing a part takes longer than judging it."""
    if what not in _made:
        _made[what] = make(*what)
    return _made[what]


CONFIG = D3MConfig(working_px=192, fusion_steps=20, fusion_batch=128, folds=3)
LABELS = ("patchcore_2d", "patchcore_ps", "patchcore_2d_ps", "point_3d", "point_patchcore", "m3dm", "d3m", "d3m_svm")


@dataclass
class Listed:
    sample_id: SampleId
    split: Split
    seed: int
    make: object
    broken: bool = False
    loaded: list = field(default_factory=list)

    def load(self) -> D3Sample:
        if self.broken:
            raise SampleError("Its cloud cannot be read.", cure="Copy it again.")
        self.loaded.append(str(self.sample_id))
        return _once(self.make, self.seed, "" if self.sample_id.is_normal else self.sample_id.anomaly_class)

    def load_mask(self):
        good = _once(self.make, self.seed, "")
        if self.sample_id.is_normal:
            return np.zeros(good.foreground.shape, bool)
        sample = _once(self.make, self.seed, self.sample_id.anomaly_class)
        changed = (
            np.abs(sample.rgb.astype(float) - good.rgb).max(axis=2)
            + np.abs(sample.pseudo3d.astype(float) - good.pseudo3d).max(axis=2)
            + 100 * np.nan_to_num(np.abs(sample.xyz_mm[..., 2] - good.xyz_mm[..., 2]))
        )
        return changed > max(8.0, 0.3 * changed.max())


class Small:
    """Two categories of the synthetic part, ten good parts and three defects each."""

    def __init__(self, make, broken=()):
        self.categories = ("plate", "other")
        self.loaded: list[str] = []
        kinds = [(NORMAL, Split.TRAIN, range(6)), (NORMAL, Split.TEST, range(100, 106))]
        kinds += [(defect, Split.TEST, range(200, 202)) for defect in ("stain", "dent", "height")]
        self.listed = {
            category: [
                Listed(SampleId(category, name, seed), split, seed, make, f"{category}/{name}/{seed}" in broken, self.loaded)
                for name, split, seeds in kinds
                for seed in seeds
            ]
            for category in self.categories
        }

    def samples(self, category, split=None):
        return iter([s for s in self.listed[category] if split in (None, s.split)])


def _quiet(_fraction, _message):
    pass


@pytest.fixture(scope="module")
def result(sample_of):
    seen = []
    dataset = Small(sample_of, broken=("plate/OK/103", "plate/OK/2"))
    found = benchmark.run_category(dataset, "plate", variants_of(LABELS, CONFIG), look=lambda s, *_: seen.append(str(s.sample_id)))
    return found, seen, dataset


def test_every_method_is_taught_and_judged_and_the_features_extracted_once(result):
    found, seen, dataset = result
    assert tuple(found.variants) == LABELS == tuple(METHODS)
    assert len(dataset.loaded) == len(set(dataset.loaded)) == 5 + 5 + 6
    assert len(seen) == 11
    for label, variant in found.variants.items():
        assert len(variant.samples) == 11
        assert tuple(variant.samples[0].banks) == METHODS[label].banks
        assert variant.seconds.features > 0
        assert variant.model_mb > 0


def test_broken_samples_are_named_and_not_counted(result):
    found, _, _ = result
    assert set(found.broken) == {"plate/OK/S0002", "plate/OK/S0103"}
    assert all("cannot be read" in why for why in found.broken.values())


def test_the_three_modalities_together_see_what_each_alone_does_not(result):
    found, _, _ = result
    best = found.variants["d3m"]
    assert best.full.i_auroc == 1.0
    assert best.full.p_auroc > 0.95
    assert best.defects["height"].i_auroc > found.variants["patchcore_2d"].defects["height"].i_auroc
    assert best.defects["stain"].i_auroc >= found.variants["point_3d"].defects["stain"].i_auroc
    for defect, bank in (("stain", "rgb"), ("dent", "pseudo3d"), ("height", "fused")):
        of = [max(s.banks, key=s.banks.get) for s in best.samples if s.anomaly_class == defect]
        assert of == [bank] * 2


def test_first_five_protocol_is_the_mean_over_defects_against_five_good_samples(result):
    found, _, _ = result
    variant = found.variants["point_3d"]
    good = [s.score for s in variant.samples if s.anomaly_class == NORMAL][:5]
    by_defect = []
    for defect in ("stain", "dent", "height"):
        bad = [s.score for s in variant.samples if s.anomaly_class == defect]
        by_defect.append(np.mean([[float(b > g) + 0.5 * float(b == g) for g in good] for b in bad]))
    assert variant.first5.i_auroc == pytest.approx(np.mean(by_defect))


def test_document_has_the_agreed_shape_and_the_table_its_means(result, tmp_path):
    found, _, _ = result
    results = {"plate": found, "other": found}
    told = json.loads(json.dumps(document(results, "full", {"seed": 1})))
    for label in LABELS:
        method = told["methods"][label]
        assert {"i_auroc", "p_auroc", "aupro"} <= set(method["mean"])
        assert set(method["categories"]) == {"plate", "other"}
        assert method["categories"]["plate"]["i_auroc"] == pytest.approx(method["mean"]["i_auroc"])
        assert method["seconds_per_sample"] == pytest.approx(sum(method["seconds"][stage] for stage in ("features", "judgement")))
    lines = table(results, "full").splitlines()
    assert len(lines) == 1 + 3 * len(LABELS)
    assert lines[-1].startswith("mean,d3m_svm,")
    chart(results, "full", LABELS, tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 10_000


def test_each_kind_of_defect_tells_which_bank_saw_it(result, tmp_path):
    found, _, _ = result
    results = {"plate": found, "other": found}
    kinds = by_defect(results, "d3m")
    assert list(kinds) == ["dent", "height", "stain", "good"]
    assert {name: kind.samples for name, kind in kinds.items()} == {"dent": 4, "height": 4, "stain": 4, "good": 10}
    for defect, bank in (("stain", "rgb"), ("dent", "pseudo3d"), ("height", "fused")):
        assert kinds[defect].banks[bank].loudest == 1.0
        of = [s.banks[bank] for s in found.variants["d3m"].samples if s.anomaly_class == defect]
        assert kinds[defect].banks[bank].median == pytest.approx(np.median(of))
        assert kinds[defect].banks[bank].seen == np.mean(np.array(of) > 1.0)
    assert kinds["good"].peaks_on_defect is None
    assert kinds["good"].rejected == 2 * found.variants["d3m"].false_rejects
    told = document(results, "full", {})
    benchmark_defects.add_to(told, results)
    assert json.loads(json.dumps(told))["methods"]["d3m"]["defect_kinds"]["stain"]["samples"] == 4
    assert benchmark_defects.table(kinds).splitlines()[0].startswith("defect,samples,rejected,peaks_on_defect,rgb_median,rgb_seen")
    lines = markdown(results, LABELS, kinds).split("\n")
    assert len(lines) == (2 + len(LABELS)) + 1 + (2 + 2) + 1 + (2 + 4) + 1
    assert lines[-2].startswith("| good | ")
    assert len({line.count("|") for line in lines[: 2 + len(LABELS)]}) == 1
    chart_defects(kinds, tmp_path / "defects.png")
    assert (tmp_path / "defects.png").stat().st_size > 5_000


def test_a_finished_category_is_not_done_again_unless_the_settings_change(sample_of, tmp_path, monkeypatch):
    dataset, variants = Small(sample_of), variants_of(["patchcore_2d"], CONFIG)
    asked = []

    def once(dataset, category, *rest):
        asked.append(category)
        return benchmark.run_category(dataset, category, *rest)

    monkeypatch.setattr("inference.benchmark_folder.run_category", once)
    heat_maps = HeatMaps(tmp_path / "pictures", "patchcore_2d")

    with pytest.raises(Cancelled):
        run(dataset, dataset.categories, variants, tmp_path / "kept", _quiet, lambda: asked == ["plate", "other"], heat_maps)
    assert asked == ["plate", "other"]
    first = run(dataset, dataset.categories, variants, tmp_path / "kept", _quiet, lambda: False, heat_maps)
    assert asked == ["plate", "other", "other"]
    again = run(dataset, dataset.categories, variants, tmp_path / "kept", _quiet, lambda: False)
    assert asked == ["plate", "other", "other"]
    assert again == first
    (tmp_path / "kept" / "other.json").write_text('{"fingerprint": "torn')
    run(dataset, dataset.categories, variants, tmp_path / "kept", _quiet, lambda: False)
    assert asked[3:] == ["other"]
    missed = [s.name for r in first.values() for s in r.variants["patchcore_2d"].samples if s.anomaly_class != NORMAL and not s.over_limit]
    assert missed
    sheets = heat_maps.sheets()
    assert [path.name for path in sheets] == ["heat-maps.jpg", "missed.jpg"]
    assert all(path.stat().st_size > 5_000 for path in sheets)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 6
    assert len(list((tmp_path / "pictures" / "missed").glob("*.png"))) == len(missed)

    listed = [("test", s.sample_id) for s in dataset.samples("plate")]
    changed = variants_of(["patchcore_2d"], CONFIG.model_copy(update={"coreset_share": 0.2}))
    assert fingerprint(variants, listed) != fingerprint(changed, listed)
    assert fingerprint(variants, listed) != fingerprint(variants, listed[:-1])


def test_thinning_keeps_one_point_of_so_many_on_the_same_grid(sample_of):
    sample = sample_of(0)
    points = np.where(np.isfinite(sample.xyz_mm[..., 2]), sample.xyz_mm[..., 2], -1.0).size
    sample = replace(sample, xyz_mm=np.random.default_rng(0).normal(size=sample.xyz_mm.shape).astype(np.float32))
    assert thinned(sample, 1.0) is sample
    for factor in THINNINGS[1:]:
        coarse = thinned(sample, factor).xyz_mm
        assert coarse.shape == sample.xyz_mm.shape
        kept = len(np.unique(coarse.reshape(-1, 3), axis=0))
        assert kept == pytest.approx(points / factor, rel=0.05)
        assert np.isin(coarse[..., 0], sample.xyz_mm[..., 0]).all()


def test_presets_are_the_papers_tables():
    assert [v.label for v in preset("table3", CONFIG)] == ["patchcore_2d", "patchcore_ps", "m3dm", "patchcore_2d_ps", "d3m"]
    assert [(v.label, v.thinning) for v in preset("table4", CONFIG)] == [("point_3d", 1.0), ("point_3d@4x", 4.0), ("point_3d@40x", 40.0)]
    with pytest.raises(SampleError, match="interpolate"):
        preset("table5", CONFIG)
    switched = preset("table5", CONFIG.model_copy(update={"point_backbone": "point-mae-small"}))
    assert [v.config.point_interpolation for v in switched] == [True, False]
    for wrong in (lambda: preset("table9", CONFIG), lambda: variants_of(["padim"], CONFIG)):
        with pytest.raises(NotFound):
            wrong()
