"""The standard report: who is best, for how certain, and that nothing which diverged is lost."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from configs import mnist, ring_plain
from gan_jax.data import DATASETS
from gan_jax.metrics import PROTOCOLS
from gan_jax.study import page
from gan_jax.study.ranking import COSTS, SETTING, Measure, rank
from gan_jax.study.standard import report
from gan_jax.sweep import plan as plans
from gan_jax.sweep import standard
from gan_jax.sweep.study import Study, TrialConfig

MODES = Measure("p/modes", "modes", "higher", (0, 8))
DISTANCE = Measure("p/distance", "distance", "lower", (0, np.inf))
RATIO = Measure("p/ratio", "ratio", "one")


def table(*trials: dict) -> pd.DataFrame:
    """Two evaluations of each trial, after half and all of its measures."""
    rows = [
        {"trial": number, "step": step, "diverged_at": -1, "p/modes": 8.0, **trial}
        for number, trial in enumerate(trials)
        for step in (1, 2)
    ]
    return pd.DataFrame(rows)


def pairs(**modes: list[float]) -> pd.DataFrame:
    """Trials by loss, one a seed."""
    return table(
        *(
            {"loss": loss, "seed": seed, "p/modes": float(value)}
            for loss, values in modes.items()
            for seed, value in enumerate(values)
        )
    )


def test_settings_are_ordered_by_the_first_measure_that_tells_them_apart():
    rows = table(
        {"k": 1, "seed": 0, "p/distance": 3.0, "p/ratio": 1.0},
        {"k": 2, "seed": 0, "p/distance": 1.0, "p/ratio": 0.2},
        {"k": 3, "seed": 0, "p/distance": 1.0, "p/ratio": 1.5},
        {"k": 4, "seed": 0, "p/distance": 0.1, "p/ratio": 1.0, "p/modes": 7.0},
    )
    ranking = rank(rows, {"k": "k"}, [MODES, DISTANCE, RATIO])
    assert ranking.settings == ["3", "2", "1", "4"]
    assert ranking.ends.trial.tolist() == [2, 1, 0, 3]
    assert ranking.deciding == RATIO
    assert ranking.gain.estimate == pytest.approx(0.8 - 0.5)
    assert ranking.words["3"] == "k=3"
    assert ranking.median_and_worst(ranking.settings) == (1, 3)
    assert ranking.median_and_worst(["1"]) == (0, 0)


def test_a_trial_that_diverged_counts_as_the_worst_that_was_measured():
    rows = table(
        {"k": 1, "seed": 0, "p/distance": 3.0},
        {"k": 1, "seed": 1, "p/distance": 9.0, "diverged_at": 1},
        {"k": 2, "seed": 0, "p/distance": np.nan, "diverged_at": 2},
        {"k": 2, "seed": 1, "p/distance": 5.0},
    )
    ranking = rank(rows, {"k": "k"}, [DISTANCE])
    assert ranking.ends.trial.tolist() == [0, 3, 1, 2]
    assert ranking.ends.distance.tolist() == [3, 5, 9, 9]
    assert ranking.rows.distance.isna().tolist() == [*[False] * 2, *[True] * 4, *[False] * 2]
    made = report(ranking, "ring")
    assert "2 of 4 trials diverged. A trial that diverged counts as the worst" in made.details
    assert "the next, k=2 (1 of 2 diverged)." in made.answer
    fell = made.sections[-1]
    assert fell.heading == "What diverged"
    assert fell.table[["trial", "k", "seed", "round"]].to_numpy().tolist() == [
        [1, 1, 1, 1],
        [2, 2, 0, 2],
    ]


def test_values_that_are_near_each_other_are_not_one_setting():
    rows = table(*({"rate": rate, "seed": 0} for rate in (0.10001, 0.10002, 0.2)))
    assert rank(rows, {"rate": "rate"}, [MODES]).rows[SETTING].nunique() == 3


@pytest.mark.parametrize(
    ("modes", "status", "said"),
    [
        ({"a": [8, 8, 7, 8, 8], "b": [3, 4, 3, 2, 3]}, "confirmed", "loss=a does best: modes 7.8 "),
        ({"a": [8, 1, 7, 8, 8], "b": [3, 7, 3, 9, 3]}, "undecided", "first, not for certain: mode"),
        ({"a": [8, 8, 8, 8], "b": [3, 3, 3, 3]}, "undecided", "(95 % interval 8 to 8, n = 4) aga"),
        ({"a": [8], "b": [3]}, "undecided", "modes 8 against 3 of the next, loss=b."),
        ({"a": [8, 8], "b": [8, 8]}, "undecided", "modes 8 (95 % interval 8 to 8, n = 2) as has"),
    ],
)
def test_the_answer_is_as_certain_as_the_pairs_of_seeds(modes, status, said):
    made = report(rank(pairs(**modes), {"loss": "loss"}, [MODES]), "ring")
    assert made.status == status
    assert said in made.answer


def test_settings_without_common_seeds_are_not_compared():
    rows = pairs(a=[8] * 5, b=[3] * 5)
    rows.loc[rows.loss == "a", "seed"] += 9
    made = report(rank(rows, {"loss": "loss"}, [MODES]), "ring")
    assert made.status == "undecided"
    assert "in pairs of one seed: there are none." in made.details


def test_one_setting_is_measured_and_what_nothing_was_measured_of_is_said():
    rows = table(*({"seed": seed} for seed in range(3)))
    made = report(rank(rows, {}, [MODES]), "ring")
    assert made.headline == (
        "• Measured: modes 8 (95 % interval 8 to 8, n = 3); 0 of 3 trials diverged."
    )
    lost = rows.assign(diverged_at=1).drop(columns="p/modes")
    said = report(rank(lost, {}, [MODES]), "ring").answer
    assert said == "nothing was measured of 3 trials: every one diverged."
    said = report(rank(rows, {}, []), "ring").answer
    assert said == "nothing was measured of 3 trials: their protocol has no measures."


@pytest.mark.parametrize("fields", [1, 2, 3])
def test_the_figures_fit_how_many_fields_are_varied(fields, tmp_path):
    rng = np.random.default_rng(0)
    names = dict(zip(("rate", "k", "loss"), ("p.rate", "p.k", "loss")[:fields], strict=False))
    rows = table(
        *(
            {"rate": rate, "k": k, "loss": loss, "seed": seed, "p/modes": rng.uniform(0, 8)}
            for rate in (1e-3, 1e-2, 1e-1)
            for k in ((1, 5) if fields > 1 else (1,))
            for loss in (("hinge", "minimax") if fields > 2 else ("hinge",))
            for seed in (0, 1)
        )
    )
    rows.loc[rows.trial == 1, "diverged_at"] = [-1, 2]
    made = report(rank(rows, names, [MODES]), "ring")
    page.write(made, tmp_path, {})
    by_field, over_rounds = (section.figure for section in made.sections[1:3])
    kind = {1: "p.rate", 2: "p.k", 3: "modes (higher is better)"}
    assert by_field.axes[0].get_xlabel() == kind[fields]
    assert (by_field.axes[0].get_xscale() == "log") == (fields == 1)
    lines = [line for line in over_rounds.axes[0].lines if line.get_marker() == "."]
    assert len(lines) == rows.trial.nunique()
    (cross,) = (line for line in over_rounds.axes[0].lines if line.get_marker() == "x")
    assert cross.get_xdata() == [1]


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys())
def test_each_headline_measure_says_what_is_better_and_its_bounds(protocol):
    kind = protocol.kind
    bounds = kind.bounds(DATASETS["ring"].density)
    assert [*kind.BETTER] == [*bounds] == [*kind.HEADLINE]
    assert set(kind.BETTER.values()) <= COSTS.keys()
    assert all(low < high for low, high in bounds.values())


def study_of(folder, config, **values) -> tuple[Study, plans.Plan]:
    """One trial a value, and its plan; nothing is trained."""
    ((key, each),) = values.items()
    trials = []
    for number, value in enumerate(each):
        made = config.copy_and_resolve_references()
        made[key] = value
        trials.append(TrialConfig(number, made))
    study = Study(folder / "toy.py", "", trials)
    return study, plans.make(trials, folder)


def test_the_samples_of_images_are_the_last_pictures_of_their_runs(tmp_path):
    config = mnist.get_config()
    study, plan = study_of(tmp_path, config, seed=[0, 1, 2])
    distances = [5.0, 7.0, 9.0]
    rows = table(
        *(
            {"seed": seed, "mnist_cnn_10k/frechet": distance}
            for seed, distance in enumerate(distances)
        )
    )
    for job in plan.jobs:
        samples = plan.place(job).run / "samples"
        samples.mkdir(parents=True)
        for step in (1, 2):
            shade = 100 * job.trials[0].number + step
            Image.new("L", (8, 8), shade).save(samples / f"{step:06}.png")
    made = standard.report(study, plan, rows)
    (shown,) = (one for one in made.sections if one.heading == "Samples: mnist")
    found = {axes.get_title(): axes.images[0].get_array()[0, 0] for axes in shown.figure.axes}
    assert found == {
        "trial 1:\nmedian of all": 102,
        "trial 2:\nworst of all": 202,
    }
    for job in plan.jobs:
        (plan.place(job).run / "samples" / "000002.png").write_bytes(b"cut")
    (shown,) = (
        one for one in standard.report(study, plan, rows).sections if "Samples" in one.heading
    )
    assert shown.figure is None
    assert shown.text.endswith("None is saved of trial 1: median of all; trial 2: worst of all.")


def test_the_samples_of_points_are_those_that_their_jobs_saved(tmp_path):
    study, plan = study_of(tmp_path, ring_plain.get_config(), loss=["hinge", "minimax"])
    rows = table(
        *({"loss": loss, "seed": 0, "mixture_2500/modes": n} for n, loss in enumerate("ab"))
    )
    for job in plan.jobs:
        for trial in job.trials:
            plan.place(job).path.mkdir(parents=True, exist_ok=True)
            plan.place(job).save_samples(trial, np.full((5, 2), trial.number, np.float32))
    made = standard.report(study, plan, rows)
    (shown,) = (one for one in made.sections if one.heading == "Samples: ring")
    titles = [axes.get_title().split("\n")[0] for axes in shown.figure.axes]
    assert titles == ["trial 1:", "trial 0:"]
    assert shown.figure.axes[0].collections[0].get_offsets().tolist() == [[1, 1]] * 5
