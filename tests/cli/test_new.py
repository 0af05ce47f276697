"""A new campaign file is valid as it stands, and shows every key that there is."""

import re

import pytest

from mgscreen.campaign.loader import load_campaign, shipped_campaigns
from mgscreen.campaign.models import Campaign


@pytest.mark.parametrize("template", ["starter", *shipped_campaigns()])
def test_the_new_campaign_is_valid(mgscreen, tmp_path, template):
    result = mgscreen("new", "my-campaign", "--template", template)
    assert (result.code, result.err) == (0, "")
    path = tmp_path / "my-campaign.toml"
    assert load_campaign(path).campaign.name == "my-campaign"
    assert "@" not in path.read_text()


def test_nothing_is_overwritten(mgscreen, tmp_path):
    (tmp_path / "mine.toml").write_text("precious")
    result = mgscreen("new", "mine")
    assert result.code == 2
    assert "exists already" in result.err
    assert (tmp_path / "mine.toml").read_text() == "precious"


def test_what_is_commented_out_is_the_default(mgscreen, tmp_path):
    """Every '# key = value' of the template may be taken in, and most change nothing."""
    mgscreen("new", "full")
    path = tmp_path / "full.toml"
    plain = load_campaign(path).campaign
    text = re.sub(r"(?m)^# (?=\[?[a-z_.]+\]?( = .*)?$|TFSI = )", "", path.read_text())
    path.write_text(text)
    full = load_campaign(path).campaign
    for table in ("cathode", "host", "molecules", "ranking"):
        assert getattr(full, table) == getattr(plain, table)
    assert full.candidates.forms == plain.candidates.forms
    assert full.scales.work_function == pytest.approx(3.66)


def test_every_key_is_shown(mgscreen, tmp_path):
    mgscreen("new", "full")
    text = (tmp_path / "full.toml").read_text()
    for table, info in Campaign.model_fields.items():
        fields = getattr(info.annotation, "model_fields", None)
        if fields is None:
            assert re.search(rf"(?m)^({table} = |# \[{table}\])", text)
            continue
        for key in fields:
            names = rf"{key} = |\[{table}\.{key}|\[\[{table}\.{key}"
            if (table, key) == ("levels", "settings"):
                continue  # belongs to the engines; `mgscreen doctor` and the docs tell of it
            assert re.search(rf"(?m)^(# )?({names})", text), (table, key)
