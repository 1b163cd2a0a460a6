"""The table of what has been trained of published protocols, from the folders of jobs."""

import pytest

from experiments import published
from experiments.common import protocols
from gan_jax.core.errors import InputError
from gan_jax.sweep import rows
from gan_jax.sweep.folder import JobFolder

STACKED = "stacked MNIST, D a quarter of G"


def trials(protocol, method):
    (found,) = (one for one in protocols.whole() if one[:2] == (protocol, method))
    return found.configs


def write(folder, measured):
    """A job's rows: of each trial what it has measured after how many rounds."""
    job = JobFolder(folder)
    job.path.mkdir(parents=True)
    made = [
        rows.row(trial, step, {"step": step, "diverged_at": -1} | values)
        for trial, step, values in measured
    ]
    rows.write(job.rows, made)


def of_mixture(modes, reverse_kl):
    values = {"modes": modes, "high_quality": 0.5, "covariance_ratio": 1.0}
    return {f"mixture_2500/{name}": x for name, x in (values | {"reverse_kl": reverse_kl}).items()}


def table(monkeypatch, capsys, *folders):
    monkeypatch.setattr("sys.argv", ["published", *map(str, folders)])
    published.main()
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], line, strict=True)) for line in cells[2:]]


def test_each_row_says_which_part_it_is_of(tmp_path, monkeypatch, capsys):
    one, two = trials("ring, PacGAN", "PacGAN3")[:2]
    write(
        tmp_path / "device" / "published" / "jobs" / "a",
        [
            (one, 20_000, of_mixture(1.0, 2.0)),
            (two, 20_000, of_mixture(3.0, 1.0)),
            (one, 40_000, of_mixture(6.0, 0.2)),
            (two, 40_000, of_mixture(8.0, 0.1)),
        ],
    )
    first, second = trials(STACKED, "unrolled 5")[:2]
    counts = {"stacked_mnist_25600/modes": 100.0, "stacked_mnist_25600/reverse_kl": 3.0}
    write(
        tmp_path / "device" / "published" / "jobs" / "b",
        [(first, 500_000, counts), (second, 500_000, counts | {"diverged_at": 7})],
    )
    studied = next(published.studied())
    write(tmp_path / "study" / "jobs" / "c", [(studied.configs[0], 5_000, of_mixture(8.0, 0.0))])

    part, ring, stacks = table(monkeypatch, capsys, tmp_path / "study", tmp_path / "device")
    assert (part["protocol"], part["method"]) == ("ring, PacGAN", "GAN")
    assert (part["trials"], part["rounds"], part["part"]) == ("1", "5000", "0.0125")
    assert (part["modes"], part["modes low"], part["their modes"]) == ("8", "", "6.3")
    assert (ring["method"], ring["trials"], ring["rounds"]) == ("PacGAN3", "2", "40000")
    assert (ring["part"], ring["modes"], ring["their modes"]) == ("0.1", "7", "7.8")
    assert (ring["reverse_kl"], ring["their reverse_kl"]) == ("0.15", "0.1")
    assert float(ring["modes low"]) < 7 < float(ring["modes high"])
    assert (stacks["protocol"], stacks["part"], stacks["modes"]) == (STACKED, "1", "50")
    assert stacks["reverse_kl"] == "4.954"  # (3 + log 1000) / 2
    assert stacks["their modes"] == "236.4"


def test_a_folder_without_such_trials_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(published, "studied", list)
    with pytest.raises(InputError, match="holds no trials of these protocols"):
        table(monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS)
def test_the_trials_of_a_protocol_are_its_configs(protocol):
    """Ten seeds a method, each packed as its name says."""
    by_method = {one.method: one.configs for one in protocols.whole() if one.protocol == protocol}
    assert by_method.keys() == protocols.PROTOCOLS[protocol].methods.keys()
    assert by_method.keys() >= protocols.PROTOCOLS[protocol].theirs.keys()
    plain = by_method["GAN"][0].config
    for method, own in by_method.items():
        assert [trial.config.seed for trial in own] == [*range(10)]
        pack = int(method[-1]) if method.startswith("PacGAN") else 1
        for trial in own:
            assert trial.config.model.discriminator.pack == pack
            assert trial.config.train.batch_size == pack * plain.train.batch_size
