"""The run: round, log, evaluate, save, in that order and from one state, until the last step."""

from contextlib import ExitStack

import flax.serialization
import jax
from absl import logging
from ml_collections import ConfigDict

from gan_jax.config import pitfalls
from gan_jax.config.setup import build
from gan_jax.core.devices import Devices, any_host, replica_spread, to_host
from gan_jax.core.errors import Diverged, RunError
from gan_jax.core.files import Damaged, to_json, write_atomically
from gan_jax.core.signals import StopRequest
from gan_jax.examples import pictures
from gan_jax.game.state import GANState
from gan_jax.report.progress import ProgressLine
from gan_jax.report.recorder import Recorder, read_rows
from gan_jax.run import rounds
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.evaluation import Evaluator
from gan_jax.run.intervals import Speed, is_time, next_time
from gan_jax.run.workdir import Workdir, describe


class Run:
    """One GAN in training, in its folder.

    Args:
        config: The run's config.
        folder: Its work directory, new or left by the same run.

    Raises:
        InputError: If the config can't be used or contradicts the folder; nothing is changed then.
    """

    def __init__(self, config: ConfigDict, folder: str):
        self.setup = build(config)
        self.config = config = self.setup.config
        self.dataset, self.devices = self.setup.dataset, Devices()
        self.phases = self.setup.phases(self.devices)
        self.rounds_per_dispatch = rounds.rounds_per_dispatch(
            config.train.rounds_a_dispatch, self.phases, self.devices
        )
        self.evaluator = Evaluator(self.setup, self.dataset, diagnostics=config.eval.diagnostics)
        state = self.setup.first_state()
        # All that the user may have got wrong is known by now: only a sound run touches its folder.
        self.record = describe(config, self.dataset)
        self.writes = jax.process_index() == 0
        self.workdir = Workdir(folder)
        self.workdir.open(self.record, writes=self.writes)
        self.checkpoints = Checkpoints(self.workdir.checkpoints, config.checkpoint.keep)
        self.step, self.state = _newest(self.checkpoints, state)
        self.recorder = Recorder(
            self.workdir.metrics, self.workdir.tensorboard, step=self.step, writes=self.writes
        )
        self.progress = ProgressLine(self.step, config.train.steps)

    def train(self) -> None:
        """Train to the last step, or until the user wishes to stop.

        Raises:
            RunError: If a number becomes non-finite or a checkpoint can't be written.
        """
        with ExitStack() as stack:  # each is closed, whatever becomes of the others
            stack.callback(self.workdir.close)
            with ExitStack() as training:
                for one in (self.checkpoints, self.recorder, self.progress):
                    training.callback(one.close)
                self._announce()
                try:
                    self._loop()
                except Diverged as error:
                    raise Diverged(error.step, error.names, self._left()) from None
            if self.step == self.config.train.steps and self.writes:
                self._finish()

    def _loop(self) -> None:
        config = self.config
        state = self.devices.replicate(self.state)
        examples = self.devices.replicate(self.setup.training(self.dataset))
        run_rounds = rounds.make_rounds(self.phases, self.devices, self.setup.batches, examples)
        speed, last = Speed(self.step), config.train.steps
        intervals = [each.every for each in (config.log, config.eval, config.checkpoint)]
        with ExitStack() as stack:
            stop = None
            while self.step < last:
                first, self.step = (
                    self.step,
                    next_time(self.step, [self.rounds_per_dispatch, *intervals], last),
                )
                state, measured = run_rounds(state, first, self.step - first)
                # Before, while programs were compiled, there was nothing new to save.
                stop = stop or stack.enter_context(StopRequest())
                logs, evaluates, saves = (is_time(self.step, every, last) for every in intervals)
                self.recorder.add(self.step, measured, logged=logs or evaluates)
                if logs:
                    self._log(speed)
                if evaluates:
                    self.recorder.settle(extra=lambda state=state: self._evaluate(state))
                stops = (logs or jax.process_count() == 1) and any_host(stop.signal is not None)
                if saves or stops:
                    self._save(state)
                if stops:
                    break
            # The signals are held back until all is on disk.
            self.checkpoints.wait()
            if self.step < last:
                cause = stop.signal or "another host"
                self._say(f"stopped by {cause} at step {self.step}, saved;")
                self._say("the same command goes on from here")

    def _log(self, speed: Speed) -> None:
        # The device still works at the newest rounds; those before are done.
        self.recorder.settle(before=self.step - self.config.log.every + 1)
        rate = speed(self.step) * self.setup.batches.batch_size
        self.recorder.time(self.step, rate)
        self.progress.update(self.step, rate, self.recorder.latest)

    def _save(self, state: GANState) -> None:
        # On disk before the checkpoint is: a run that goes on drops later lines, never misses one.
        self.recorder.settle()
        self.recorder.sync()
        self.checkpoints.save(self.step, to_host(state))

    def _left(self) -> str:
        self.checkpoints.wait()
        saved = self.checkpoints.steps()
        if not saved:
            return "no checkpoint had been saved"
        return f"the checkpoint of step {saved[-1]} is kept"

    def _evaluate(self, state: GANState) -> dict[str, float]:
        spread = replica_spread(state)
        if not self.writes:
            return {}
        host = to_host(state)
        numbers, examples = self.evaluator(host, host.generator_variables())
        picture = self.dataset.kind.picture(examples, self.dataset.test)
        picture_path = self.workdir.samples / f"{self.step:06d}.png"
        picture.save(picture_path)
        headline = "  ".join(f"{name} {numbers[name]:.4g}" for name in self.evaluator.headline)
        self._say(f"step {self.step}: {headline or picture_path}")
        return {"replica_spread": spread, **numbers}

    def _announce(self) -> None:
        devices = self.record["devices"]
        self._say(self.dataset.summary)
        self._say(f"devices: {devices['count']} x {devices['kind']} on {devices['hosts']} host(s)")
        self._say(f"workdir: {self.workdir.path}")
        for warning in pitfalls.warnings(self.config):
            self._say(warning)
        name, floor = self.evaluator.protocol.name, self.evaluator.floor
        figures = "  ".join(f"{figure} {value:.4g}" for figure, value in floor.items())
        self._say(f"noise floor (real data) of {name}: {figures}")
        if self.step:
            self._say(f"going on from step {self.step}")
        if self.writes and self.step - self.recorder.last >= self.config.log.every:
            gap = f"{self.recorder.last + 1} to {self.step}"
            logging.warning("%s has no line of steps %s", self.workdir.metrics, gap)
        if self.writes:
            kind, real = self.dataset.kind, self.dataset.test
            kind.picture(real[: kind.num_shown], real).save(self.workdir.reals)

    def _finish(self) -> None:
        """Write what stands at the end of a run; the same again if the run was finished before.

        Raises:
            RunError: If the line of the last step is gone.
        """
        rows = read_rows(self.workdir.metrics)
        if not rows or rows[-1]["step"] != self.step:
            why = f"the line of step {self.step}, which has the run's results, is missing"
            raise RunError(f"{self.workdir.metrics}: {why}; gan_jax.evaluate measures them again")
        summary = {
            "results": rows[-1],
            "protocol": self.evaluator.protocol.name,
            "noise_floor": self.evaluator.floor,
            **self.record,
        }
        write_atomically(self.workdir.summary, to_json(summary, indent=2))
        try:
            pictures.animate(self.workdir.samples, self.workdir.animation)
        except Damaged as error:
            logging.warning("%s; %s is not made", error, self.workdir.animation.name)
        print(f"finished at step {self.step}: see {self.workdir.path}", flush=True)

    def _say(self, line: str) -> None:
        if self.writes:
            self.progress.say(line)


def _newest(checkpoints: Checkpoints, state: GANState) -> tuple[int, GANState]:
    """The newest saved step and state, or 0 and the state given."""
    saved = checkpoints.restore_newest()
    if saved is None:
        return 0, state
    step, tree = saved
    return step, flax.serialization.from_state_dict(state, tree)
