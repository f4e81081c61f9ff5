"""Members join and leave rooms by themselves, are moved, and are thrown out."""

from __future__ import annotations

from ..differences import Difference
from ..stage import Guest, Stage
from ..ways import NEW_WAYS

DIFFERENCES = [
    Difference(
        "eve",
        ["end"],
        ["/lounge disconnect", "end"],
        "clients 3.x and 4.x are told that they may not come back",
        NEW_WAYS,
    )
]


def play(stage: Stage) -> None:
    for endpoint in ("/lounge", "/desk"):
        meet(*(stage.guest(f"{nick}{endpoint}", endpoint) for nick in NICKS))
    ann = stage.guest("ann", "/lounge")
    eve = stage.guest("eve", "/lounge")
    eve.ask("nick", "eve")
    eve.ask("enter", "hall")
    ann.ask("nick", "ann")
    ann.ask("kick", "eve")
    eve.ended()
    ann.ask("say", "hall", "is anyone there?")
    stage.noted("eve leaves ['room hall']")


NICKS = ["bob", "tom"]


def meet(bob: Guest, tom: Guest) -> None:
    """What tom hears, he logs; each question shows what he did not hear."""
    bob.ask("nick", "bob")
    tom.ask("nick", "tom")
    bob.ask("say", "hall", "nobody is here")
    tom.ask("enter", "hall")
    bob.ask("say", "hall", "tom is here")
    tom.ask("exit", "hall")
    bob.ask("say", "hall", "tom has left")
    bob.ask("invite", "tom", "hall")
    bob.ask("say", "hall", "tom was invited")
    bob.ask("expel", "tom", "hall")
    bob.ask("say", "hall", "tom was expelled")
    tom.ask("enter", "hall")
    tom.ask("move", "attic")
    bob.ask("say", "hall", "tom is elsewhere")
    bob.ask("say", "attic", "here")
    tom.ask("nick", "jerry")
    bob.quit()
    tom.quit()
