"""Damage files at random and describe them: whatever comes, it is a description or one error.

python tests/fuzz.py [--count 2000] [--seed 1] [FORMAT ...]

Each damaged file is described in a process of its own, forked from one that has the libraries, so
that a crash or an endless loop is counted and not met. `helpers.files.describe` turns these two
into an error as well (tests/test_files.py); a traceback of any other kind is a fault.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS = 10


def made(folder: Path) -> dict[str, Path]:
    """Write one sound file of each format; name of the format -> what to describe."""
    from helpers import session

    session.attach()
    import keras
    import numpy as np
    import safetensors.numpy
    import tensorflow as tf
    import tf_keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    old = tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(4,))])
    old.compile("adam", "mse")
    paths = {
        "keras": folder / "x.keras",
        "h5": folder / "x.h5",
        "weights": folder / "x.weights.h5",
        "keras2": folder / "old.h5",
        "shards": folder / "s.weights.json",
        "checkpoint": folder / "checkpoint" / "ckpt",
        "savedmodel": folder / "saved",
        "npz": folder / "x.npz",
        "npy": folder / "x.npy",
        "safetensors": folder / "x.safetensors",
    }
    model.save(paths["keras"])
    model.save(paths["h5"])
    model.save_weights(paths["weights"])
    old.save(paths["keras2"])
    model.save_weights(paths["shards"], max_shard_size=1e-7)
    tf.train.Checkpoint(model=model).write(paths["checkpoint"])
    model.export(paths["savedmodel"], verbose=False)
    np.savez(paths["npz"], a=np.ones(3), b=np.zeros((2, 2)))
    np.save(paths["npy"], np.ones((3, 2)))
    safetensors.numpy.save_file({"a": np.ones(3, "float32")}, paths["safetensors"])
    return paths


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Change, cut, zero, double or swap a piece."""
    if not content:
        return content
    content, how = bytearray(content), draw.randrange(6)
    place = draw.randrange(len(content))
    size = min(draw.choice([1, 2, 8, 64, 512]), len(content) - place)
    if how == 0:
        content[place] ^= 1 << draw.randrange(8)
    elif how == 1:
        content[place : place + size] = draw.randbytes(size)
    elif how == 2:
        content[place : place + size] = bytes(size)
    elif how == 3:
        del content[place:]
    elif how == 4:
        del content[place : place + size]
    else:
        content[place:place] = content[place : place + size]
    return bytes(content)


def outcome(path: Path) -> tuple[str, str]:
    """What describing gives, in a process of its own: its class, and its words."""
    from helpers import files

    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            said = answer.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return ("hang" if number == signal.SIGALRM else "crash"), f"signal {number}"
        return tuple(json.loads(said))
    os.close(reader)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        found = files.describe_here(path)
        text = found.text(None)
        compile(found.load, "lines", "exec")
        printed = all(c.isprintable() or c == "\n" for c in text)
        said = ("described", "") if printed else ("unprintable", ascii(text))
    except (FileNotFoundError, files.Unreadable) as error:
        said = ("error", str(error))
        if not str(error).strip():
            said = ("fault", "an error without words")
    except MemoryError:
        said = ("memory", "")
    except BaseException as error:
        said = ("fault", f"{type(error).__name__}: {error}")
    os.write(writer, json.dumps(said).encode()[:60_000])
    os._exit(0)


def run(names: list[str], count: int, seed: int) -> dict[str, collections.Counter]:
    """Describe `count` damaged files of each format; format -> how many of each class."""
    counts, faults = {}, []
    with tempfile.TemporaryDirectory() as home:
        sound = Path(home, "sound")
        sound.mkdir()
        paths = made(sound)
        for name in names or paths:
            draw, counts[name] = random.Random(f"{seed} {name}"), collections.Counter()
            described = outcome(paths[name])
            assert described == ("described", ""), f"{name}, not damaged: {described}"
            for number in range(count):
                work = Path(home, "work")
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(sound, work)
                whole = work / paths[name].relative_to(sound)
                parts = parts_of(whole)
                part = draw.choice(parts)
                part.write_bytes(damaged(part.read_bytes(), draw))
                kind, words = outcome(whole)
                counts[name][kind] += 1
                if kind not in ("described", "error", "crash", "hang"):
                    faults.append(f"{name} number {number} ({part.name}): {kind} {words[:300]}")
    return counts, faults


def parts_of(whole: Path) -> list[Path]:
    """The files that belong to it."""
    if whole.is_dir():
        return sorted(p for p in whole.rglob("*") if p.is_file())
    stem = whole.name.split(".")[0]
    return sorted(p for p in whole.parent.glob(f"{stem}*") if p.is_file() and same(p, whole))


def same(part: Path, whole: Path) -> bool:
    """Whether a file beside it is the whole, a shard of it, or a part of the checkpoint."""
    if whole.suffix == ".json":
        return True
    return part == whole or part.name.startswith(f"{whole.name}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("formats", nargs="*", metavar="FORMAT")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    counts, faults = run(asked.formats, asked.count, asked.seed)
    for name, counted in counts.items():
        print(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in counted.most_common()))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
