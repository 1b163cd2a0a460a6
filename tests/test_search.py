"""Searches: what is tried, stopped and copied, and that nothing depends on interruptions."""

import json
import math
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import flax.struct
import numpy as np
import program
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from gan_jax.core.errors import InputError, RunError
from gan_jax.search import best, phase, report, run_search, slots
from gan_jax.search.draw import SAMPLERS, draw
from gan_jax.search.methods import Evaluated, halving, none, population
from gan_jax.search.ranges import choices, integers, linear, log
from gan_jax.search.search import Options
from gan_jax.search.search_file import load
from gan_jax.search.slots import Slots
from gan_jax.search.space import Space
from gan_jax.search.trials import BY_SEED, DIVERGED, PARENT, ROUND
from gan_jax.study import page
from gan_jax.sweep import trial_program, vmapped
from gan_jax.sweep.study import load_file
from gan_jax.sweep.vmapped import VmappedTrials

RATES = "optim.generator.learning_rate,optim.discriminator.learning_rate"
SEARCH = """
'''A question.'''
from configs import ring_plain
from gan_jax.search.ranges import linear, log

SEEDS = 2
SPACE = {
    ("optim.generator.learning_rate", "optim.discriminator.learning_rate"): log(1e-4, 1e12),
    "penalty.weight": log(1e-2, 10),
}

def get_config():
    config = ring_plain.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].depth, config.model[player].width = 1, 4
        config.optim[player].decay, config.optim[player].learning_rate = "constant", 1e-3
    config.penalty.name, config.penalty.weight = "r1", 1.0
    config.model.latent, config.train.batch_size = 2, 8
    config.train.steps, config.eval.every = 8, 2
    return config

def objective(row):
    return -row["generator/gradient_norm"]
"""
LOADS_CONFIGS = pytest.mark.filterwarnings("ignore:the load_module")  # ml_collections does
OPTIONS = Options(trials=10, places=8, seed=6, confirm=4)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("searches") / "toy.py"
    path.write_text(SEARCH)
    return path


@pytest.fixture(scope="module")
def file(path):
    return load(path, load_file(path, "search").get_config())


@pytest.fixture(autouse=True, scope="module")
def programs():
    """What a process of its own would compile is compiled once for as many places."""
    made = {}

    def compiled(configs, dataset, later=()):
        if len(configs) not in made:
            made[len(configs)] = VmappedTrials(configs, dataset, later)
        return made[len(configs)].with_configs(configs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "VmappedTrials", compiled)
        yield compiled


def said(trials):
    """All that is known of trials but the time of day."""
    return [
        (one.number, one.state, one.value, one.params, one.intermediate_values, one.user_attrs)
        for one in trials.all
    ]


def searched(file, options, folder):
    with run_search.search_in(file, options, folder) as found:
        return said(found.trials), said(found.finals)


@pytest.fixture(scope="module")
def halved(file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("halved")
    return folder, *searched(file, OPTIONS, folder)


@pytest.fixture(scope="module")
def populated(file, tmp_path_factory):
    options = OPTIONS._replace(method="population", trials=6)
    return options, *searched(file, options, tmp_path_factory.mktemp("populated"))


# What goes on


def evaluated(values, count=1, others=None):
    values = dict(enumerate(values))
    return Evaluated(count, values, values if others is None else others, seed=0)


def test_halving_keeps_the_best_third_of_all_so_far():
    assert halving(evaluated([5, 1, 4, 2, 3, 0])) == dict.fromkeys([1, 3, 4, 5])
    assert halving(evaluated([5, 1, 4, 2, 3, 0], count=2)) == {}
    assert halving(evaluated([5.0, 1.0], count=3)) == {1: None}
    better = {10: 9.0, 11: 8.0, 12: 7.0, 0: 1.0, 1: 7.5, 2: 0.0}
    assert halving(evaluated([1.0, 7.5, 0.0], count=9, others=better)) == dict.fromkeys([0, 1, 2])
    assert halving(evaluated([1.0, 1.0, 1.0])) == dict.fromkeys([1, 2])


def test_what_diverged_never_goes_on():
    assert halving(evaluated([-math.inf, 1.0], count=2)) == {0: None}
    assert none(evaluated([-math.inf, 1.0])) == {0: None}
    assert population(evaluated([-math.inf, 1.0])) == {0: 1}
    assert population(evaluated([-math.inf, -math.inf])) == dict.fromkeys([0, 1])


def test_the_worst_quarter_copies_the_best_quarter():
    copied = population(evaluated(range(8)))
    assert copied.keys() == {0, 1}
    assert set(copied.values()) <= {6, 7}
    assert copied == population(evaluated(range(8)))
    draws = [population(evaluated(range(8), count=count))[0] for count in range(1, 20)]
    assert set(draws) == {6, 7}
    assert population(evaluated([1.0] * 8)) == {}


def test_a_value_at_an_edge_of_its_range_is_told():
    assert [log(1, 1e4).is_at_edge(value) for value in (1.1, 100, 9e3)] == [True, False, True]
    assert [linear(0, 1).is_at_edge(value) for value in (0.02, 0.1)] == [True, False]
    assert not choices("a", "b").is_at_edge("a")
    assert not integers(1, 3).is_at_edge(1)


def test_numbers_are_perturbed_within_their_range():
    rng = np.random.default_rng(0)
    assert {log(1, 8).perturbed(2.0, rng) for _ in range(20)} == {1.6, 2.5}
    assert {linear(0, 1).perturbed(0.9, rng) for _ in range(20)} == {0.9 * 0.8, 1.0}
    assert {integers(1, 9).perturbed(2, rng) for _ in range(20)} == {1, 3}
    assert {integers(1, 9).perturbed(1, rng) for _ in range(20)} == {1, 2}
    assert {choices("a", "b", "c").perturbed("a", rng) for _ in range(20)} == {"a", "b"}


def test_what_was_stopped_counts_as_what_it_was_worth():
    """Also above what was trained to the end."""
    place = {"x": FloatDistribution(0.0, 1.0)}

    def trial(x, value, state):
        more = {"params": {"x": x}, "distributions": place, "intermediate_values": {1: value}}
        return create_trial(value=value, state=state, **more)

    poor = [trial(x, -1.0, TrialState.COMPLETE) for x in np.linspace(0.0, 0.7, 20)]
    good = [trial(x, 1.0, TrialState.PRUNED) for x in (0.88, 0.9, 0.92)]
    drawn = [draw(SAMPLERS["tpe"](seed, 1), poor + good, place, {})["x"] for seed in range(20)]
    assert np.median(drawn) == pytest.approx(0.9, abs=0.1)
    drawn = [draw(SAMPLERS["tpe"](seed, 3), poor + good, place, {})["x"] for seed in range(20)]
    assert min(drawn) < 0.3  # every third at random


# Spaces


def test_what_changes_the_program_makes_programs(file):
    table = {
        "loss": choices("hinge", "non_saturating"),
        "schedule.discriminator": integers(1, 3),
        "optim.generator.b1": choices(0.5, 0.0),
        "penalty.name": choices("r1", "none"),
    }
    space = Space(table, file.space.config)
    assert space.programs[0] == {"loss": "non_saturating", "penalty.name": "r1"}
    assert len(space.programs) == 4
    ratios = [one["schedule.discriminator"] for one in space.ratios(space.programs[0])]
    assert ratios == [1, 2, 3]
    assert file.space.programs == [{}]
    config = file.space.config_of({RATES: 2e-3}, seed=7)
    assert [config.optim[player].learning_rate for player in config.optim] == [2e-3] * 2
    assert config.seed == 7


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("optim.generator.lr", log(1, 2), "SPACE.optim.generator.lr=log(1, 2): no such field, did"),
        ("seed", integers(0, 9), "SPACE.seed=integers(0, 9): can't vary: how many seeds"),
        ("train.steps", integers(1, 9), "can't vary: all trials have the same rounds"),
        ("penalty.weight", 3, "SPACE.penalty.weight=3: must be log(…), linear(…)"),
        ("penalty.weight", log(0, 1), "must begin above 0"),
        ("penalty.weight", linear(2, 1), "from a number to a higher one"),
        ("penalty.weight", log(2, 3), "config.penalty.weight=1.0: a search starts from"),
        ("penalty.weight", integers(1, 3), "integers(…) are for whole numbers"),
        ("schedule.generator", linear(1, 3), "integers(…) are for whole numbers"),
        ("smoothing", linear(0, 0.3), "at 0 it is off, which is another program"),
        ("model.latent", integers(2, 9), "each value would be a program of its own: give choices"),
        ("loss", choices("hinge"), "at least two values"),
        (
            "loss",
            choices("non_saturating", "hing"),
            "config.loss=hing: unknown, did you mean",
        ),
        ("optim.generator.b1", linear(0, 1), "config.optim.generator.b1=1.0: must be at least 0"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_in_a_line(file, field, values, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        Space({field: values}, file.space.config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("SPACE = {", "SPICE = {", "has no table SPACE"),
        ("SEEDS = 2", "SEEDS = 0", "SEEDS=0: must be a whole number above 0"),
        ("def objective", "def aim", "has no objective"),
        ("SEEDS = 2", "SEEDS = 1 / 0", "can't be loaded: line 6: ZeroDivisionError"),
    ],
)
def test_a_file_that_is_no_search_is_refused(tmp_path, file, old, new, message):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(SEARCH.replace(old, new))
    with pytest.raises(InputError, match=re.escape(message)):
        load(wrong, file.space.config)


@pytest.mark.parametrize("name", ["search_ring", "search_mnist"])
def test_shipped_searches(name):
    path = program.REPOSITORY / "experiments" / f"{name}.py"
    config = load_file(path, "search").get_config()
    shipped = load(path, config)
    assert shipped.space.programs == [{}]
    assert config.train.steps == 9 * config.eval.every


@LOADS_CONFIGS
def test_without_optuna_there_is_a_line(path, monkeypatch):
    with program.loaded("gan_jax.search.__main__", f"--config={path}") as searching:
        monkeypatch.setattr(searching, "find_spec", lambda name: None)
        with pytest.raises(RunError, match=r"Optuna: pip install 'gan-jax\[search\]'"):
            searching.main()


def test_the_value_of_a_row(file):
    row = {"diverged_at": -1, "generator/gradient_norm": 2.0, "frechet": 3.0}
    assert file.value(row) == -2.0
    assert file.value(row | {"diverged_at": 5}) == -math.inf
    assert file.value(row | {"generator/gradient_norm": math.nan}) == -math.inf
    assert file._replace(objective="-frechet").value(row) == -3.0
    assert file._replace(objective="frechet").value(row) == 3.0
    with pytest.raises(InputError, match="objective=fid: is not measured, choose from"):
        file._replace(objective="fid").value(row)
    with pytest.raises(RunError, match=r"objective failed, line \d+: KeyError"):
        file.value({"diverged_at": -1})


@pytest.mark.parametrize(
    ("gains", "status"),
    [((0.5, 0.6, 0.4), "confirmed"), ((-0.5, -0.6, -0.4), "refuted"), ((1, -1, 0.2), "undecided")],
)
def test_the_verdict_of_the_benchmark(gains, status):
    with program.loaded("experiments.search_benchmark") as benchmark:
        searches = benchmark.Search({}, 96, 9_000), benchmark.Search({}, 20, 9_100)
        outcomes = [benchmark.Outcome(7 + gain, 7, 5, searches) for gain in gains]
        told = benchmark.report(outcomes)
    assert told.status == status
    assert f"{np.mean(gains):.3g} more" in told.answer
    assert told.sections[0].table.difference.tolist() == pytest.approx(gains)


def test_the_benchmark_trains_winners_on_seeds_of_its_own(file, programs, monkeypatch):
    monkeypatch.setattr(vmapped, "VmappedTrials", programs)
    points = [file.space.own, {**file.space.own, "penalty.weight": 9.0}]
    with program.loaded("experiments.search_benchmark", "--judged=2") as benchmark:
        values = benchmark._judged(file, points)
        assert benchmark._judged(file, points[::-1]) == pytest.approx(values[::-1], rel=1e-5)
    assert benchmark.WORST < min(values) < max(values)


def test_too_few_places_are_refused(file):
    with pytest.raises(InputError, match="--places=1: a trial of 2 seeds in each of 1 programs"):
        run_search.slots_a_program(file, OPTIONS._replace(places=1))


# Searches


def test_hopeless_trials_stop_and_others_take_their_places(halved, file):
    _, trials, finals = halved
    states = [state.name for _, state, *_ in trials]
    assert len(trials) == OPTIONS.trials
    assert states[0] == "COMPLETE"  # the config's own is always trained to the end
    assert trials[0][3] == file.space.own
    assert states.count("PRUNED") >= 5
    rounds = sum(max(values) for *_, values, _ in trials)
    assert rounds < OPTIONS.trials * 8 / 2
    assert len({tuple(params.values()) for _, _, _, params, _, _ in trials}) == OPTIONS.trials
    assert [values[8] for *_, values, _ in finals] == [one[2] for one in finals]


def test_what_diverged_is_worst(halved):
    fallen = [one for one in halved[1] if DIVERGED in one[-1]]
    assert 2 <= len(fallen) < OPTIONS.trials
    assert all(value == -math.inf for _, _, value, *_ in fallen)
    assert {state.name for _, state, *_ in fallen} == {"PRUNED"}


def test_a_trial_in_a_place_that_others_had_is_what_it_is_alone(halved, file, programs):
    late = max(
        (one for one in halved[1] if DIVERGED not in one[-1]), key=lambda one: (len(one[4]), one[0])
    )
    assert late[0] >= 4  # the first four start in empty places
    configs = [file.space.config_of(late[3], seed) for seed in file.seeds] * 4
    side = programs(configs, None)
    trials, steps, found = side.start(), 0, {}
    while steps < max(late[4]):
        trials, steps = side.step(trials, steps)
        if side.due(steps):
            rows = dict(side.evaluate(trials, steps))
            found[str(steps)] = [file.value(rows[seed]) for seed in range(2)]
    for round_, values in late[-1][BY_SEED].items():
        assert found[round_] == pytest.approx(values, rel=1e-4)


class Killed(BaseException):
    """What nothing expects."""


@pytest.mark.parametrize("method", ["halving", "population"])
def test_a_search_that_is_killed_again_and_again_ends_the_same(
    method, file, halved, populated, tmp_path, monkeypatch
):
    options, *expected = (OPTIONS, *halved[1:]) if method == "halving" else populated
    monkeypatch.setattr(phase, "SECONDS_A_CHECKPOINT", 0)
    rng, advance, kills = np.random.default_rng(0), Slots.advance, 0
    assign, left = Slots.assign, 0

    def dying(function):
        def call(self, *args):
            nonlocal left
            left -= 1
            if not left:
                raise Killed
            return function(self, *args)

        return call

    monkeypatch.setattr(Slots, "advance", dying(advance))
    monkeypatch.setattr(Slots, "assign", dying(assign))
    while True:
        left = int(rng.integers(3, 8))
        try:
            assert searched(file, options, tmp_path) == tuple(expected)
        except Killed:
            kills += 1
        else:
            break
    assert kills >= 2


def test_a_population_copies_and_changes(file, populated):
    options, found, _ = populated
    children = [one for one in found if PARENT in one[-1]]
    assert len(found) == options.trials + len(children)
    assert children
    for _, _, _, params, values, noted in children:
        parent = found[noted[PARENT]]
        assert min(values) > noted[ROUND]
        assert noted[ROUND] in parent[4]
        for name, value in params.items():
            low, high = file.space.values[name].ends
            candidates = [np.clip(parent[3][name] * factor, low, high) for factor in (0.8, 1.25)]
            assert any(value == pytest.approx(one) for one in candidates)


def test_another_search_in_its_folder_is_refused(halved, file):
    folder = halved[0]
    for changed, said_ in [
        (OPTIONS._replace(seed=4), "--seed 6 there, 4 now"),
        (OPTIONS._replace(trials=11), "--trials 10 there, 11 now"),
    ]:
        message = re.escape(f"holds another search: {said_}")
        with (
            pytest.raises(InputError, match=message),
            run_search.search_in(file, changed, folder),
        ):
            pass


@LOADS_CONFIGS
def test_the_report_names_the_best_and_its_config_is_run(halved, file, tmp_path):
    folder, trials, _ = halved
    with run_search.search_in(file, OPTIONS, folder) as found:
        told = report.provenance(file, OPTIONS, found, "the command")
        page.write(report.report(file, OPTIONS, found), tmp_path, told)
        winner = found.trials.best
    assert winner.value == max(one[2] for one in trials if one[1].name == "COMPLETE")
    text = (tmp_path / "report.md").read_text()
    assert f"Those of trial {winner.number};" in text
    assert "other seeds" in text.splitlines()[2]
    for heading in ("What mattered", "Values by field", "Curves of the best", "All trials"):
        assert f"## {heading}" in text
    assert "diverged" in text
    assert (tmp_path / "report.html").stat().st_size > 10_000

    config = file.space.config_of(winner.params, file.seeds.start)
    best.write(tmp_path / "best.py", config.to_dict(), "The best.")
    flags = (f"--config={tmp_path / 'best.py'}", f"--workdir={tmp_path / 'run'}")
    with program.loaded("gan_jax.main", *flags) as main:
        main.main()
    recorded = json.loads((tmp_path / "run" / "config.json").read_text())
    assert recorded["config"] == config.to_dict()
    assert (tmp_path / "run" / "summary.json").exists()


class Pretending:
    """Stands in for `VmappedTrials`: a round counts one, and the loss and the rate say the rest."""

    devices = 1

    def __init__(self, configs, dataset, later=()):
        self._configs = configs

    def with_configs(self, configs):
        return Pretending(configs, None)

    def start(self):
        zeros = np.zeros(len(self._configs), int)
        return trial_program.TrialState({"seed": zeros}, Counted(zeros, zeros), zeros)

    def step(self, trials, first):
        state = trials.state.replace(count=trials.state.count + 1)
        return trials.replace(state=state), first + 1

    def due(self, steps):
        return [place for place, own in enumerate(steps) if own % 2 == 0]

    def evaluate(self, trials, steps):
        for place in self.due(steps):
            config, count = self._configs[place], trials.state.count[place]
            assert count == steps[place]
            worth = math.log(config.optim.generator.learning_rate) * (config.loss == "hinge")
            row = {"mixture_2500/modes": count + worth, "diverged_at": -1}
            yield place, {"step": count, "generator/gradient_norm": -worth, **row}

    def to_host(self, trials):
        return trials

    def from_host(self, trials):
        return trials


class Counted(flax.struct.PyTreeNode):
    """Rounds by place."""

    key: np.ndarray
    count: np.ndarray


@pytest.mark.parametrize("method", ["halving", "population", "none"])
def test_programs_share_the_places(method, file, tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "VmappedTrials", Pretending)
    table = {"loss": choices("hinge", "non_saturating"), RATES: file.space.values[RATES]}
    mixed = file._replace(space=Space({**table, "penalty.weight": log(0.1, 10)}, file.space.config))
    options = Options(trials=11, places=8, method=method)
    assert run_search.slots_a_program(mixed, options) == 2
    trials, finals = searched(mixed, options, tmp_path)
    drawn = [one for one in trials if PARENT not in one[-1]]
    assert [one[3]["loss"] for one in drawn].count("hinge") == 5
    assert len(drawn) == 11
    for _, _, _, params, _, noted in trials:
        assert PARENT not in noted or trials[noted[PARENT]][3]["loss"] == params["loss"]
    complete = [one for one in trials if one[1].name == "COMPLETE"]
    ranked = [one[3] for one in sorted(complete, key=lambda one: -one[2])]
    expected = [point for n, point in enumerate(ranked) if point not in ranked[:n]][:4]
    expected += [mixed.space.own] * (mixed.space.own not in expected)
    losses = [one[3]["loss"] for one in finals]
    assert losses == sorted(losses, key=losses.index)  # a program's are next to each other
    assert sorted(map(str, expected)) == sorted(str(one[3]) for one in finals)


def evaluations(folder: Path) -> int:
    """How many have been noted in a search's database."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'search.db'}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM trial_intermediate_values").fetchone()[0]
    except sqlite3.Error:  # it is being made
        return 0


def test_from_the_command_line_through_signals(path, tmp_path):
    """Stopped, then killed, then left alone: it goes on, and ends with a report."""
    out = tmp_path / "out"
    flags = (str(path), "--trials=40", "--places=8", "--confirm=0", f"--workdir={out}")
    process = program.start("gan_jax.search", *flags, quickly=True)
    program.wait_for(lambda: evaluations(out) > 5, process)
    _, error = program.end(process, signal.SIGTERM)
    assert process.returncode == 130, error
    assert re.search(r"error: stopped by SIGTERM: trials \d+ of 40: .*; saved", error)
    saved = evaluations(out)
    process = program.start("gan_jax.search", *flags, quickly=True)
    program.wait_for(lambda: evaluations(out) > saved + 3, process)
    program.end(process, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (out / "report.md").exists()
    ended = program.run("gan_jax.search", *flags, quickly=True)
    assert "40 trials of 2 seeds, 8 rounds at most: 1 programs, 4 trials side by" in ended.stdout
    assert f"finished: see {out}/report.html and {out}/best.py" in ended.stdout
    assert "The best of 40 trials" in (out / "report.md").read_text()
