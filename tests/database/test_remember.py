"""Reads of a report: one state of the results, whatever is written meanwhile."""

import pandas as pd

from mgscreen.database.remember import remembered, remembering

STORE = {"value": 1.0}


@remembered
def ask(_database, name, *, scale=1.0):
    return pd.DataFrame({"name": [name], "value": [scale * STORE["value"]]})


def test_an_answer_stays_the_same_until_the_end(monkeypatch):
    database = object()
    with remembering():
        first = ask(database, "a")
        monkeypatch.setitem(STORE, "value", 2.0)
        with remembering():
            assert ask(database, "a")["value"].item() == 1.0
        # another question, and another database, are asked anew
        assert ask(database, "a", scale=3.0)["value"].item() == 6.0
        assert ask(object(), "a")["value"].item() == 2.0
        # what one part of a report does to its copy no other part sees
        first.loc[0, "value"] = 9.0
        assert ask(database, "a")["value"].item() == 1.0
    assert ask(database, "a")["value"].item() == 2.0
