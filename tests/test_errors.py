import pickle

import pytest

from spamtide.errors import BrokenWorld, SpamtideError, Unanswerable, WrongUse


@pytest.mark.parametrize(("kind", "exit_code"), [(WrongUse, 2), (Unanswerable, 1), (BrokenWorld, 3)])
def test_an_error_crosses_a_process_with_its_facts(kind: type[SpamtideError], exit_code: int) -> None:
    error = pickle.loads(pickle.dumps(kind("some_code", "what happened", "what to do", feed="trec")))
    assert type(error) is kind
    assert (error.code, str(error), error.next_step, error.facts) == (
        "some_code",
        "what happened",
        "what to do",
        {"feed": "trec"},
    )
    assert error.exit_code == exit_code
