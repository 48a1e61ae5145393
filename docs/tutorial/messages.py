"""Write messages.csv, the made-up table of the tutorial: messages to a shop, with a topic, a mood and stars.

    python docs/tutorial/messages.py data/messages.csv

Only the standard library is needed. The same file comes out every time.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

ROWS = 600
SUBJECTS = {
    "delivery": ["the parcel", "my order", "the courier", "the shipment", "the package you sent", "the delivery", "the box"],
    "billing": ["the invoice", "my refund", "the payment", "the amount you charged", "the bill", "the receipt", "the discount code"],
    "product": ["the kettle", "the lamp", "this jacket", "the phone case", "the chair", "the blender", "the pair of shoes"],
}
SAYINGS = {
    "negative": {
        "delivery": ["is a week late", "never arrived", "went to the wrong street", "came with a crushed corner", "got lost again"],
        "billing": ["is wrong again", "was taken twice", "still has not come", "does not match the price", "was refused without a word"],
        "product": ["broke on the second day", "is much too small", "smells of glue", "stopped working", "looks nothing like the picture"],
    },
    "positive": {
        "delivery": ["came a day early", "arrived in one piece", "was at the door by nine", "was quick as ever", "arrived just in time"],
        "billing": [
            "was settled at once",
            "came back within a day",
            "was correct to the cent",
            "could not be simpler",
            "worked straight away",
        ],
        "product": ["is better than I hoped", "fits perfectly", "works like a charm", "looks lovely", "feels solid and well made"],
    },
}
ENDINGS = {
    "negative": ["I am tired of this.", "Please sort it out.", "What a waste.", "I want my money back.", "This is the third time.", ""],
    "positive": ["Thank you!", "I will be back.", "Great service.", "Well done.", "My sister wants one too.", ""],
}
OPENINGS = ["Hello,", "Hi there,", "Dear team,", "Good morning,", "Just to say:", "About last week:", "Number {number}:", ""]
STARS = {"negative": [1, 1, 2, 2, 3], "positive": [3, 4, 4, 5, 5]}


def main() -> None:
    """Write the table to the file named on the command line."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "messages.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    seen: set[str] = set()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "topic", "mood", "stars"])
        while len(seen) < ROWS:
            topic, mood = draw.choice(list(SUBJECTS)), draw.choice(list(SAYINGS))
            parts = draw.choice(OPENINGS), draw.choice(SUBJECTS[topic]), draw.choice(SAYINGS[mood][topic]) + ".", draw.choice(ENDINGS[mood])
            text = " ".join(part for part in parts if part).format(number=draw.randrange(1000, 9999))
            if text not in seen:
                seen.add(text)
                known = draw.random() < 0.8  # not everyone who writes is asked for stars
                table.writerow([text, topic, mood, draw.choice(STARS[mood]) if known else ""])
    print(f"{len(seen)} rows written to {path}")


if __name__ == "__main__":
    main()
