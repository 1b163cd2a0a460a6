"""Two processes on loopback with two devices each train the GAN that one process with four does."""

import socket

import jax
import numpy as np
import program

from gan_jax.run.checkpoint import Checkpoints

# With batch statistics, dropout and an average.
FLAGS = (
    *program.RING,
    "--config.model.generator.norm=batch",
    "--config.model.discriminator.norm=batch",
    "--config.train.steps=4",
    "--config.optim.generator.name=sgd",
    "--config.optim.discriminator.name=sgd",
    "--config.checkpoint.every=2",
    "--config.checkpoint.keep=5",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def state_at(workdir, step):
    checkpoints = Checkpoints(workdir / "checkpoints")
    tree = checkpoints.restore(step)
    checkpoints.close()
    return jax.tree_util.tree_leaves_with_path(tree)


def test_two_hosts_train_what_one_host_trains(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    program.run("gan_jax.main", *FLAGS, f"--workdir={one}", devices=4, quickly=True)
    address = f"--coordinator=127.0.0.1:{free_port()}"
    started = [
        program.start(
            "gan_jax.main",
            *FLAGS,
            f"--workdir={two}",
            address,
            "--num_processes=2",
            f"--process_id={number}",
            devices=2,
            quickly=True,
        )
        for number in range(2)
    ]
    ended = [program.finish(process) for process in started]
    assert [process.returncode for process in ended] == [0, 0], [one.stderr for one in ended]
    assert "4 x cpu on 2 host(s)" in ended[0].stdout
    assert "workdir" not in ended[1].stdout, "one process of a run speaks"
    for step in (2, 4):
        for (path, left), (same_path, right) in zip(
            state_at(one, step), state_at(two, step), strict=True
        ):
            assert path == same_path
            np.testing.assert_allclose(left, right, rtol=2e-4, atol=2e-6, err_msg=str(path))
    assert (two / "summary.json").exists()
