"""What is trained of a study that goes on: all that is new in it, and nothing that is done."""

import pytest
from toy_study import Counting, config, runner, specs

from gan_jax.core.errors import InputError, RunError, Stopped
from gan_jax.study.report import Claim, Report
from gan_jax.sweep import identity, plan, run_parts, run_study
from gan_jax.sweep import run_job as job_runs
from gan_jax.sweep import study as studies
from gan_jax.sweep.runners import Options
from gan_jax.sweep.study import Study, load

TOY = '''"""A question."""
from gan_jax.study.report import Claim, Report

def sweep(add):
    for seed in range(4):
        add(seed=seed)

def report(results):
    return Report("T", "A question.", Claim("C0", "One."), "None.", "It is so.", "undecided")
'''


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    monkeypatch.setattr(run_parts, "VmappedTrials", Counting)


def reported(results):
    said = f"{len(results)} rows"
    return Report("T", "A question.", Claim("C0", "One."), "None.", said, "undecided")


def study_of(path, *overrides, report=reported, **more) -> Study:
    return Study(path / "toy.py", "A question.", specs(*overrides), report, **more)


def run(study, folder, run_tasks=None, most=2, typed="python -m gan_jax.sweep ../toy.py"):
    planned = plan.make(study.trials, folder, most)
    run_study.run_study(study, planned, ["sweep"], typed, run_tasks or runner(study), Options())
    return planned


def seeds(*numbers) -> list[dict]:
    return [{"seed": number} for number in numbers]


def trained(planned) -> list[list[int]]:
    return [[trial.config.seed for trial in job.trials] for job in planned.left]


# Only what is new


@pytest.mark.parametrize(
    ("then", "new", "done"),
    [
        ((0, 1, 2, 3, 4), [[4]], "4 of 5 trials are done: 0 to 3"),
        ((1, 2, 3), [], "3 of 3 trials are done: 0 to 2"),
        ((9, 1, 2, 8), [[9, 8]], "2 of 4 trials are done: 1 to 2"),
        ((3, 2, 1, 0), [], "4 of 4 trials are done: 0 to 3"),
    ],
)
def test_only_new_trials_are_played_and_the_plan_says_which_are_done(tmp_path, then, new, done):
    run(study_of(tmp_path, *seeds(0, 1, 2, 3)), tmp_path)
    study = study_of(tmp_path, *seeds(*then))
    planned = run(study, tmp_path)
    assert trained(planned) == new
    assert done in str(planned)
    assert f"{3 * len(then)} rows" in (tmp_path / "report.md").read_text()
    assert plan.make(study.trials, tmp_path, 2).left == []


def test_a_job_that_was_begun_goes_on_as_it_was_cut(tmp_path):
    study = study_of(tmp_path, *seeds(0, 1, 2, 3, 4))
    first = plan.make(study.trials, tmp_path, 2)
    for job in first.jobs:
        first.place(job).assign(job.trials, vmapped=True)
    job_runs.run_job(first.jobs[0], first.place(first.jobs[0]))
    then = plan.make(study.trials, tmp_path, 4)
    assert (then.done, then.left) == (first.jobs[:1], first.jobs[1:])
    gone = plan.make(specs(*seeds(0, 1, 3, 4)), tmp_path, 4)
    assert trained(gone) == [[3], [4]], "the job that lost a trial is made anew"


# Whose folder


def whose(study, wanted="", flags=()):
    return identity.identity(study.path, wanted, flags, study.trials)


def test_another_study_is_refused_and_the_same_one_says_what_has_changed(tmp_path):
    study = study_of(tmp_path, *seeds(0, 1, 2))
    assert identity.refuse_other(tmp_path / "new", whose(study)) == ""
    identity.record_identity(tmp_path, whose(study))
    assert identity.refuse_other(tmp_path, whose(study, flags=["--parallel=2"])) == ""
    refused = {
        "study toy there, other now": whose(study._replace(path=tmp_path / "other.py")),
        "filter none there, seed=1 now": whose(study, "seed=1"),
        "overrides none there, --config.train.steps=9 now": whose(
            study, flags=["--config.train.steps=9"]
        ),
    }
    for why, other in refused.items():
        with pytest.raises(InputError, match=f"^--workdir={tmp_path}: holds another study: {why}$"):
            identity.refuse_other(tmp_path, other)
    changed = identity.refuse_other(tmp_path, whose(study_of(tmp_path, *seeds(1, 2, 3, 4))))
    assert changed == "the study has changed: 2 of its 4 trials are new, 1 are gone, 2 are kept"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"study": "toy"}', '{"study": 7}'])
def test_a_folder_that_does_not_say_whose_it_is_is_refused_in_a_line(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match=r"can't tell whose results these are: .*study\.json"):
        identity.refuse_other(tmp_path, whose(study_of(tmp_path, {})))


def test_each_version_of_a_study_has_a_copy_that_stays(tmp_path):
    path = tmp_path / "toy.py"
    copies = []
    for text in (TOY, TOY.replace("range(4)", "range(5)")):
        path.write_text(text)
        copies.append(identity.copied(path, tmp_path / "out"))
        identity.copy(path, copies[-1])
    path.write_text("a typo")
    assert [len(load(copy, config()).trials) for copy in copies] == [4, 5]
    assert [copy.name for copy in copies] == ["toy.py"] * 2


# What is wrong is said before anything runs


def loaded(folder, text):
    path = folder / "toy.py"
    path.write_text(text)
    return load(path, config())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("seed=seed", 'seed=seed, loss=["hinge", "hing"][seed // 3]',
         r"config\.loss=hing: .*hinge.*, in trial 3 \(seed=3, loss=hing\)$"),
        ("seed=seed", "seed=-1", r"config\.seed=-1: must be from .*, in trial 0 \(seed=-1\)$"),
        ("seed=seed", "seed=seed % 3", r"trial 3 \(seed=0\) is added twice, it is trial 0"),
        ("seed=seed", "3", r"toy\.py: its function sweep failed, line 6: TypeError: .*add\(\)"),
        ("add(seed=seed)", "1 / 0", r"its function sweep failed, line 6: ZeroDivisionError: "),
        ("add(seed=seed)", "pass", r"has no trials$"),
        ("add(seed=seed)", "yield seed", r"has no trials$"),
        ("def sweep(add)", "def sweep()", r"its function sweep must take one argument: too many"),
        ("(results)", "(results, folder)", r"its function report must take one .*: missing"),
        ("    return Report", "    Report", r"its function report returns nothing"),
        ("def report(results):\n    return", "report =", r"has no function report$"),
        ("def sweep", "1 / 0\n\ndef sweep", r"can't be loaded: line 4: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_study_is_one_line_before_anything_runs(tmp_path, old, new, why):
    assert len(loaded(tmp_path, TOY).trials) == 4
    with pytest.raises(InputError, match=why) as error:
        loaded(tmp_path, TOY.replace(old, new))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("penalty.name", "gradiant"),
        ("eval.protocol", "modes"),
        ("schedule.scheme", "turns"),
        ("optim.generator.name", "adm"),
        ("model.name", "cnm"),
        ("data.name", "rign"),
        ("ema.kind", "means"),
    ],
)
def test_a_choice_that_there_is_not_is_refused_naming_the_trial(tmp_path, field, value):
    text = TOY.replace("seed=seed", f'seed=seed, **{{"{field}": "{value}"}}')
    with pytest.raises(InputError, match=rf"{field}={value}: .*, in trial 0 \(seed=0, "):
        loaded(tmp_path, text)


def test_a_trial_is_known_by_its_config_alone():
    trials = specs({"seed": 1}, {"seed": 2}, {"seed": 1})
    assert trials[0].digest == trials[2].digest != trials[1].digest
    assert str(trials[0]) == "trial 0"


# What went wrong is said in the end


def fail(tasks, options, on_done):
    return {tasks[1].name: "killed by signal 9 (SIGKILL)"}


def test_failed_jobs_are_named_with_trials_and_cause(tmp_path):
    study = study_of(tmp_path, *seeds(0, 1, 2, 3))
    name = plan.make(study.trials, tmp_path, 2).left[1].name
    why = (
        rf"^1 of 2 jobs failed: job {name} \(trials 2 to 3\): killed by signal 9 \(SIGKILL\), see "
    )
    with pytest.raises(RunError, match=why):
        run(study, tmp_path, fail)


def test_diverged_trials_are_named_when_the_report_is_safe(tmp_path, monkeypatch):
    def evaluate(self, trials, steps):
        for trial in self.due(steps):
            yield trial, {"step": steps, "diverged_at": 3 if trial and steps > 3 else -1}

    monkeypatch.setattr(Counting, "evaluate", evaluate)
    with pytest.raises(RunError, match=r"^1 of 2 trials diverged: trial 1 in round 3$"):
        run(study_of(tmp_path, *seeds(0, 1)), tmp_path)
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"report": lambda results: None}, "its function report returned NoneType, a Report"),
        ({"report": lambda results: results.nothing}, "its function report failed, Attribut"),
        ({"exhibit": lambda runs: 1 / 0}, "its function exhibit failed, ZeroDivisionError"),
    ],
)
def test_a_report_that_cannot_be_made_is_one_line_and_the_results_are_safe(tmp_path, more, why):
    study = study_of(tmp_path, *seeds(0, 1), **more)
    with pytest.raises(RunError, match=rf"^the results are in .*parquet, .*: {why}.*$"):
        run(study, tmp_path)
    assert (tmp_path / "results.parquet").exists()


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (0, "0 of 2 jobs are done; the same"),
        (1, "1 of 2 jobs are done; the same"),
        (1.5, "1 of 2 jobs are done, 1 begun and saved where they stood; the same"),
    ],
)
def test_the_last_words_of_a_study_that_was_stopped_are_true(tmp_path, after, what):
    study = study_of(tmp_path, *seeds(0, 1, 2, 3))

    def stopped(tasks, options, on_done):
        runner(study)(tasks[: int(after)], options, on_done)
        if after == 1.5:
            place = job_runs.JobFolder(tasks[1].log.parent)
            place.progress.write_text('{"share": 0.5, "since": 0, "seconds": 1, "starting": 1}')
        raise KeyboardInterrupt("SIGTERM")

    with pytest.raises(Stopped, match=f"^stopped by SIGTERM: {what} command goes on from there$"):
        run(study, tmp_path, stopped)
    assert (tmp_path / "results.parquet").exists() == (after >= 1)


def test_the_report_has_the_command_that_was_typed(tmp_path):
    run(study_of(tmp_path, {}), tmp_path, typed="python -m gan_jax.sweep ../my/toy.py --parallel=2")
    assert r"- command: python -m gan\_jax.sweep ../my/toy.py --parallel=2".replace("\\", "") in (
        (tmp_path / "report.md").read_text().replace("\\", "")
    )


def test_the_functions_of_a_study_may_be_classes_and_partials(tmp_path):
    text = TOY.replace(
        "def sweep", "import functools\n\ndef each(add, extra=0):\n    sweep(add)\n\ndef sweep"
    )
    assert len(loaded(tmp_path, text + "\nsweep = functools.partial(sweep)\n").trials) == 4
    assert studies.matching(loaded(tmp_path, TOY).trials, "seed=1")[0].number == 1
