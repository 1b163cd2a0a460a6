"""What the programs say to users."""

import logging as python_logging

from absl import logging

from gan_jax.core import cli


def test_log_records_are_plain_lines():
    record = logging.get_absl_logger().makeRecord(
        "absl", python_logging.WARNING, "images.py", 84, "data: %s of %d", ("some", 3), None
    )
    assert cli._Lines().format(record) == "warning: data: some of 3"
