"""The report in a real browser, without a network."""

import shutil

import pytest

BINARY = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1400",
)

pytestmark = pytest.mark.skipif(
    BINARY is None or DRIVER is None,
    reason="no Chromium here (Debian: apt-get install chromium chromium-driver)",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(page.as_uri())
    state = "return document.documentElement.dataset.chart || ''"
    WebDriverWait(browser, 60).until(lambda d: d.execute_script(state) != "")
    assert browser.execute_script(state) == "ready"
    return browser


def column(driver, index):
    script = """
        const rows = document.querySelector('#ranking table').tBodies[0].rows;
        return [...rows].map((r) => r.cells[arguments[0]].textContent.trim());
    """
    return driver.execute_script(script, index)


def ranks_of(driver):
    """Ranks without their intervals."""
    return [text.split(" ")[0] for text in column(driver, 0)]


def test_it_opens_without_an_error_and_runs_nothing_foreign(opened):
    assert opened.get_log("browser") == []
    assert opened.title.startswith("two-salts")
    assert "owned" not in opened.title
    requests = opened.execute_script(
        "return performance.getEntriesByType('resource').map((e) => e.name)"
    )
    assert [r for r in requests if not r.startswith(("data:", "blob:"))] == []


def test_the_chart_is_drawn_and_the_scale_can_be_chosen(opened):
    from selenium.webdriver.common.by import By

    assert opened.find_elements(By.CSS_SELECTOR, "#chart svg")
    radios = opened.find_elements(By.CSS_SELECTOR, "#chart input[type=radio]")
    assert [r.get_attribute("value") for r in radios] == [
        "SHE 4.44 V",
        "SHE 4.28 V",
        "work function 3.66 eV",
    ]
    inner = "return document.querySelector('#chart svg').innerHTML"
    before = opened.execute_script(inner)
    opened.execute_script("arguments[0].click()", radios[2])
    opened.execute_async_script("setTimeout(arguments[arguments.length - 1], 500)")
    assert opened.execute_script(inner) != before


def test_a_table_is_sorted_with_the_keyboard(opened):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    headers = opened.find_elements(By.CSS_SELECTOR, "#ranking thead th")
    assert ranks_of(opened)[:3] == ["1", "2", "3"]
    button = headers[0].find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert headers[0].get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.SPACE)
    assert headers[0].get_attribute("aria-sort") == "descending"
    ranks = ranks_of(opened)
    assert ranks[:3] == ["3", "2", "1"]
    # what has no rank stays at the end in either direction
    assert set(ranks[3:]).isdisjoint({"1", "2", "3"})
    headers[1].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert headers[0].get_attribute("aria-sort") is None
    order = [name for name in column(opened, 1) if name.isascii() and name[0].isalpha()]
    assert [n[:3] for n in order] == ["BAD", "DME", "PFT", "TFS", "TOD"]


def test_a_link_opens_the_evidence_of_a_candidate(opened):
    from selenium.webdriver.common.by import By

    opened.find_element(By.CSS_SELECTOR, "#ranking tbody a[href='#c-PFTB']").click()
    details = opened.find_element(By.ID, "c-PFTB")
    opened.execute_async_script("setTimeout(arguments[arguments.length - 1], 200)")
    assert details.get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(opened, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    pairs = opened.execute_script(
        """
        const bright = (c) => {
          const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(Number).map((v) => {
            v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const paper = getComputedStyle(document.body).backgroundColor;
        const parts = 'p, a, td, th, small, .role, .meta, caption, td.failed, td.withheld';
        return [...document.querySelectorAll(parts)].map((e) => {
          const [a, b] = [bright(getComputedStyle(e).color), bright(paper)];
          return [e.className || e.tagName, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
        });
        """
    )
    assert pairs
    # WCAG 2, level AA, normal text
    assert min(ratio for _, ratio in pairs) >= 4.5, min(pairs, key=lambda p: p[1])
