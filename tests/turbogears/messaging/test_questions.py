"""Questions to other processes."""

from __future__ import annotations

from tgext.socketio.messaging.questions import Question


def test_a_question_ends_when_nobody_is_left() -> None:
    question = Question({"a", "b", "c"})
    question.take("a", 1)
    question.take("a", 2)
    question.take("stranger", 3)
    question.drop("b")
    assert not question.done.is_set()
    question.take("c", None)
    assert question.done.is_set()
    assert question.answers == {"a": 1, "c": None}


def test_a_question_to_nobody_has_ended() -> None:
    assert Question(set()).done.is_set()
