"""Two processes on loopback with two devices each train the GAN that one process with four does,
and those that don't find each other say so."""

import socket

import jax
import numpy as np
import program
import pytest

from gan_jax.core import hosts
from gan_jax.core.errors import InputError
from gan_jax.core.hosts import Coordinator
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", Coordinator("127.0.0.1", 80)),
        ("localhost:65535", Coordinator("localhost", 65535)),
        ("[::1]:1", Coordinator("::1", 1)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, expected):
    assert hosts.coordinator(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        *("nonsense", ":80", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:-1"),
        *("127.0.0.1:port", "http://127.0.0.1:80", "127.0.0.1:80/x", "a@127.0.0.1:80", "::1:80"),
        "[::1:80",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match=r"^--coordinator=.*: must be HOST:PORT") as caught:
        hosts.coordinator(text)
    assert caught.value.value == text


@pytest.mark.parametrize("text", ["", None])
def test_no_address_is_refused(text):
    with pytest.raises(InputError, match=r"^--coordinator=: missing"):
        hosts.coordinator(text)


def test_a_host_that_nobody_knows_is_named(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match=r"^--coordinator=nowhere:80: no host of that name"):
        hosts.coordinator("nowhere:80")


def test_process_0_listens_at_the_address_given_alone():
    assert hosts.bind_address(Coordinator("127.0.0.1", free_port())).startswith("127.0.0.1:")
    assert hosts.bind_address(Coordinator("localhost", free_port())).startswith("localhost:")


def test_a_name_that_means_this_host_only_to_itself_is_listened_on_for_all(monkeypatch):
    port = free_port()
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.1.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket.socket, "bind", lambda *_: None)
    assert hosts.bind_address(Coordinator("node0", port)) == f"[::]:{port}"


def test_a_port_in_use_and_an_address_of_another_host_are_refused():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="can't listen there: "):
            hosts.bind_address(Coordinator("127.0.0.1", other.getsockname()[1]))
    # Of the block that is for documentation alone.
    with pytest.raises(InputError, match="can't listen there: "):
        hosts.bind_address(Coordinator("192.0.2.1", free_port()))


def test_processes_that_nobody_joins_say_whom_they_wait_for_and_end(tmp_path):
    ports = [free_port(), free_port()]
    started = [
        program.start(
            "gan_jax.main",
            *FLAGS,
            f"--workdir={tmp_path / 'run'}",
            f"--coordinator=127.0.0.1:{port}",
            "--num_processes=2",
            f"--process_id={number}",
            "--join_timeout=4",
        )
        for number, port in enumerate(ports)
    ]
    first = started[0].stderr.readline()
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=1):
        pass
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection(("127.0.0.2", ports[0]), timeout=1)
    ended = [program.finish(process) for process in started]
    assert [process.returncode for process in ended] == [1, 1]
    whom = [
        f"1 of 2 processes to come to 127.0.0.1:{ports[0]}",
        f"process 0 at 127.0.0.1:{ports[1]}",
    ]
    said = [(first + ended[0].stderr).splitlines(), ended[1].stderr.splitlines()]
    for name, lines in zip(whom, said, strict=True):
        waits, error = lines
        assert waits.startswith(f"waiting up to 4 s for {name}")
        assert error.startswith("error: --join_timeout=4: waited so many seconds in vain")
        assert name in error
    assert not (tmp_path / "run").exists()
