"""What the command-line programs share: flags, and one clear line for whatever goes wrong."""

import sys
from collections.abc import Callable, Collection, Sequence
from logging import Formatter, LogRecord
from pathlib import Path

from absl import app, flags, logging

from gan_jax.config.fields import flatten, no_such_field
from gan_jax.core import flag_numbers, process, signals
from gan_jax.core.errors import InputError, RunError, Stopped, out_of_memory
from gan_jax.core.signals import INTERRUPTED

FAILED, BAD_INPUT = 1, 2


def run(main: Callable[[], None]) -> None:
    """Parse the flags, call `main`, and end the program.

    The exit code is 0 if all went well, 2 for the user's errors (flags, config, data), 1 for the
    machine's and the run's (full disk, non-finite numbers), 130 after Ctrl-C where nothing was
    saved.
    """

    def guarded(_: Sequence[str]) -> None:
        try:
            main()
        except InputError as error:
            _end(BAD_INPUT, error)
        except RunError as error:
            _end(FAILED, error)
        except Stopped as stopped:
            _end(INTERRUPTED, stopped)
        except (MemoryError, RuntimeError) as error:
            if not (line := out_of_memory(error)):
                raise
            _end(FAILED, line)
        except KeyboardInterrupt:
            _end(INTERRUPTED, "interrupted; what was saved before is kept")
        except OSError as error:
            _end(FAILED, f"{error.filename or 'writing'}: {error.strerror or error}")

    signals.end_at_once()
    flag_numbers.register()
    process.keep_memory()
    process.keep_programs()
    process.keep_garbage()
    logging.set_verbosity(logging.WARNING)
    logging.get_absl_handler().setFormatter(_Lines())
    app.run(guarded, flags_parser=_parse)


class _Lines(Formatter):
    """Log records as lines for users, without the place in the code that they come from."""

    def format(self, record: LogRecord) -> str:
        return f"{record.levelname.lower()}: {record.getMessage()}"


def output(key: str, name: str, suffixes: Sequence[str]) -> Path:
    """A file to write.

    Args:
        key: The flag.
        name: Its value.
        suffixes: What the name may end in.

    Raises:
        InputError: If it ends in something else, or there is no folder for it.
    """
    out = Path(name)
    if out.suffix not in suffixes:
        raise InputError(key, out, f"the name must end in {' or '.join(suffixes)}")
    if not out.absolute().parent.is_dir():
        raise InputError(key, out, "there is no such folder")
    return out


def _end(code: int, message: object) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)
    sys.exit(code)


def _parse(argv: Sequence[str]) -> Sequence[str]:
    try:
        rest = flags.FLAGS(argv)
        if rest[1:]:
            raise InputError(rest[1], "", "no such argument, flags are written --name=value")
        if "config" in flags.FLAGS and flags.FLAGS.config is not None:
            flags.FLAGS.config.keys()  # a file that failed to load says so when it is used
        return rest
    except SystemExit:  # --help, which absl ends with 1
        sys.exit(0)
    except InputError as error:
        _end(BAD_INPUT, error)
    except (AttributeError, KeyError) as error:
        # ml_collections: an override of a field that the config does not have.
        _end(BAD_INPUT, _unknown_field(argv, error))
    except (flags.Error, OSError, TypeError, ValueError, SyntaxError, ImportError) as error:
        _end(BAD_INPUT, _one_line(argv, error))
    return argv


def _unknown_field(argv: Sequence[str], error: Exception) -> str:
    why = str(error).strip("\"'").replace("\\n", "\n").replace("\\'", "'")
    name = why.split("\n")[0].strip("'")
    culprits = [
        arg
        for arg in argv
        if arg.startswith("--config.") and name in arg.split("=")[0].removeprefix("--").split(".")
    ]
    culprit = (culprits or [f"config.{name}"])[0].removeprefix("--")
    key = culprit.split("=")[0].removeprefix("config.")
    return f"{culprit}: {no_such_field(key, _fields(argv))}"


def _fields(argv: Sequence[str]) -> Collection[str]:
    """The fields of the config file that is named on the command line; () if it has none."""
    files = [arg.removeprefix("--config=") for arg in argv if arg.startswith("--config=")]
    try:
        return flatten(flags.FLAGS["config"].parser.parse(files[-1])).keys()
    except (AttributeError, IndexError, KeyError):  # the file's own error, or no file
        return ()


def _one_line(argv: Sequence[str], error: Exception) -> str:
    if isinstance(error, (flags.Error, TypeError, ValueError)):
        return " ".join(str(error).split()).removeprefix("flag --")
    files = [arg for arg in argv if arg.startswith("--config=")]
    return f"{(files or ['--config'])[0]}: can't be loaded: {str(error).splitlines()[-1].strip()}"
