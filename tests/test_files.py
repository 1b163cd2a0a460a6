"""Files that are replaced in one step, and JSON that may be damaged."""

import os

import pytest

from gan_jax.core.errors import RunError
from gan_jax.core.files import (
    Damaged,
    read_lines,
    read_log,
    read_object,
    whole,
    wholes,
    write_atomically,
    writing,
)

FIELDS = {"step": whole(0, 10), "rate": (int, float), "data": {"shape": wholes(1, 8)}}
SOUND = '{"step": 3, "rate": 0.5, "data": {"shape": [2]}, "more": null}'

# What a file holds, and what the line must say of it.
DAMAGED = {
    "": "no JSON",
    "{": "no JSON",
    "[]": r"holds \[\], no object",
    '"text"': "holds 'text', no object",
    "{}": "step is missing",
    '{"step": NaN}': "NaN is no number",
    SOUND.replace("3", "11"): "step is 11, not a whole number from 0 to 10",
    SOUND.replace("3", "true"): "step is True, not",
    SOUND.replace("3", "1.5"): r"step is 1\.5, not",
    SOUND.replace("3", '"3"'): "step is '3', not",
    SOUND.replace("0.5", "true"): "rate is True",
    SOUND.replace("0.5", "[]"): r"rate is \[\]",
    SOUND.replace('{"shape": [2]}', "7"): "data is 7, no object",
    SOUND.replace('"shape"', '"form"'): r"data\.shape is missing",
    SOUND.replace("[2]", "[-1]"): r"data\.shape is \[-1\], not a list",
    SOUND.replace("[2]", "[]"): r"data\.shape is \[\], not a list",
    SOUND.replace("[2]", "[2, 9]"): r"data\.shape is \[2, 9\], not a list",
    "[" * 100_000 + "]" * 100_000: "no JSON",
    '{"step":' * 100_000 + "1" + "}" * 100_000: "no JSON",
}


@pytest.mark.parametrize("text", DAMAGED, ids=DAMAGED.values())
def test_what_is_damaged_is_named_with_its_file(tmp_path, text):
    path = tmp_path / "some.json"
    path.write_text(text)
    with pytest.raises(Damaged, match=DAMAGED[text]) as caught:
        read_object(path, FIELDS)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


def test_a_sound_object_may_hold_more_and_no_file_is_none(tmp_path):
    path = tmp_path / "some.json"
    assert read_object(path, FIELDS) is None
    path.write_text(SOUND)
    assert read_object(path / "below a file", FIELDS) is None
    assert read_object(path, FIELDS)["data"] == {"shape": [2]}


def test_lines_are_sound_or_named(tmp_path):
    path = tmp_path / "some.jsonl"
    assert read_lines(path, {"step": int}) == ([], [])
    path.write_bytes(b'{"step": 1}\n\xff\xfe\n{"stop": 2}\n{"step": 3}\n{"st')
    sound, wrong = read_lines(path, {"step": int})
    assert [row["step"] for row in sound] == [1, 3]
    assert [line.split(": ")[0] for line in wrong] == [f"{path}, line {n}" for n in (2, 3, 5)]


@pytest.mark.parametrize(
    "tail", [b'{"step": 4', b"\0" * 4096, b"\xff\xfe\0\n", b"\0\n\0\n{", b"1 2\n"]
)
def test_the_damaged_tail_of_a_log_is_told_from_its_lines(tmp_path, tail):
    path = tmp_path / "some.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n' + tail)
    rows, wrong = read_log(path, {"step": int})
    assert [row["step"] for row in rows] == [1, 2]
    assert wrong.startswith(f"{path}, line 3: ")
    path.write_bytes(b'{"step": 1}\n')
    assert read_log(path, {"step": int}) == ([{"step": 1}], "")


@pytest.mark.parametrize("middle", [b'{"loss": 1}\n', b"\0\0\n", b"garbage\n", b"[]\n"])
def test_damage_before_sound_lines_is_no_tail(tmp_path, middle):
    path = tmp_path / "some.jsonl"
    path.write_bytes(b'{"step": 1}\n' + middle + b'{"step": 3}\n')
    with pytest.raises(Damaged, match=f"{path}, line 2: "):
        read_log(path, {"step": int})


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "some.json"
    write_atomically(path, "old")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_mode))

    def fail(*_):
        assert path.read_text() == "old\n"
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        with pytest.raises(RunError, match=f"{path}: can't be written: No space"), writing(path):
            write_atomically(path, "new")
    assert path.read_text() == "old\n"
    write_atomically(path, "new")
    assert path.read_text() == "new\n"
    assert len(set(synced)) == 2, "the file's bytes and the folder's new name"
