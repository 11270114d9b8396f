"""Short texts in a picture, in letters of three by five dots."""

from __future__ import annotations

import numpy as np

__all__ = ["write"]

ROWS = 5
# for each letter its five rows of three dots, each a number from 0 to 7
LETTERS = dict(
    entry.split("=")
    for entry in (
        "0=75557 1=26227 2=71747 3=71717 4=55711 5=74717 6=74757 7=71111 8=75757 9=75717 "
        "A=25755 B=65656 C=34443 D=65556 E=74647 F=74644 G=34553 H=55755 I=72227 J=11152 "
        "K=55655 L=44447 M=57755 N=65555 O=25552 P=65644 Q=25563 R=65655 S=34216 T=72222 "
        "U=55557 V=55552 W=55775 X=55255 Y=55222 Z=71247 .=00002 -=00700 ,=00024 :=02020"
    ).split()
)


def write(canvas: np.ndarray, text: str, y: int, x: int, dot: int = 2) -> None:
    """Write a text onto a canvas, white; what does not fit is cut off.

    Parameters
    ----------
    canvas : ndarray of float, (y, x, 3)
        Changed in place.
    text : str
        Letters, digits, and ``. - , :``; anything else is a gap.
    y, x : int
        Upper left corner, pixels.
    dot : int
        Side of a dot, pixels.
    """
    for position, letter in enumerate(text.upper()):
        rows = LETTERS.get(letter, "0" * ROWS)
        dots = np.array([[int(row) >> shift & 1 for shift in (2, 1, 0)] for row in rows])
        left = x + 4 * dot * position
        part = canvas[y : y + ROWS * dot, left : left + 3 * dot]
        ink = np.kron(dots, np.ones((dot, dot))) > 0
        part[ink[: part.shape[0], : part.shape[1]]] = 1
