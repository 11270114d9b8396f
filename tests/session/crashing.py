"""A process that is going to be killed: it propagates with a journal, and prints every update that it gets."""

import json
import sys
import zlib

import numpy as np

from napari_sam2 import MaskPrompt, Point, Session, load_model


def stack(n_frames=200):
    """Blobs that drift."""
    y, x = np.mgrid[:48, :56]
    centres = [(24 + 6 * np.sin(t / 9), 20 + 4 * np.cos(t / 7)) for t in range(n_frames)]
    return np.stack(
        [200 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 60) for cy, cx in centres]
    ).astype(np.uint8)


def main(folder):
    session = Session(stack(), load_model("nano", device="cpu"), stop_rule=None)
    session.start_journal(folder, image="blobs.tif")
    session.add_prompt(1, Point(100, (24, 20)))
    mask = np.zeros((48, 56), bool)
    mask[20:40, 15:45] = True
    session.add_prompt(2, MaskPrompt(100, mask))
    session.rename(1, "blob")
    for update in session.propagate():
        i, f = update.object_id, update.frame
        crcs = [zlib.crc32(a.tobytes()) for a in (session.mask(i, f), session.labels[f])]
        sys.stdout.write(json.dumps([i, f, *crcs, update.scores.iou_score]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
